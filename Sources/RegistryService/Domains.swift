import RegistryModel

extension RegistryService {
    /// Registers one new domain. Of any number of racing calls for one name, exactly one succeeds.
    public func register(
        _ domain: NewDomain, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try check(domain, context)
        return try await commitOverHolds(.register(domain), context)
    }

    func check(_ domain: NewDomain, _ context: WriteContext) throws(RegistryError) {
        try names.check(domain.fqdn)
        if domain.allowsNested { try RuleOverride.nesting.check(context.actor.role) }
        if domain.allowsSplit { try RuleOverride.splitting.check(context.actor.role) }
    }

    /// Whether a signup for this name would succeed.
    public func availability(of fqdn: FQDN) async throws(RegistryError) -> Read<Availability> {
        let standing = try await store.standing(of: fqdn)
        let refusal =
            if let refusal = try names.refusal(of: fqdn) {
                refusal
            } else {
                switch standing.value {
                case .free: try await closedDefault()
                case .live: RegistryError.domainTaken(fqdn)
                case .held(let until): RegistryError.domainHeld(fqdn, until: until)
                case .quarantined(let until):
                    RegistryError.domainQuarantined(fqdn, availableAt: until)
                case .entangled(let other): RegistryError.nameEntangled(fqdn, with: other)
                }
            }
        return Read(Availability(fqdn: fqdn, refusal: refusal), at: standing.revision)
    }
}

extension RegistryService {
    /// What a signup that names no location would meet.
    private func closedDefault() async throws(RegistryError) -> RegistryError? {
        let fallback = try await store.defaultLocation()
        guard let fallback, !fallback.settings.acceptsSignups else { return nil }
        return .locationClosed(fallback.name)
    }
}

public struct Availability: Sendable {
    public var fqdn: FQDN
    /// What a registration would meet; nil: it would succeed.
    public var refusal: RegistryError?
}

extension RegistryService {
    /// Registers the good rows in one revision and names the bad ones.
    ///
    /// - Parameter rows: in the order of the request; the failures are rows that couldn't be read.
    public func registerBatch(
        _ rows: [Result<NewDomain, RegistryError>], _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        let checked = rows.map { row -> BatchRow in
            do throws(RegistryError) {
                let domain = try row.get()
                try names.check(domain.fqdn)
                return .wanted(domain)
            } catch {
                return .refused(code: error.code)
            }
        }
        return try await commitOverHolds(.registerBatch(checked), context)
    }
}

extension RegistryService {
    public func change(
        _ fqdn: FQDN, _ patch: DomainPatch, ifMatch: Precondition?, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.change(fqdn, patch, ifMatch: ifMatch), context)
    }

    /// Lets a domain go, whose name rests in quarantine, or a name that is held, which is free at once.
    public func release(
        _ fqdn: FQDN, ifMatch: Precondition?, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commitOverHolds(.release(fqdn, ifMatch: ifMatch), context)
    }

    /// Brings a released domain back as it was.
    public func restore(
        _ fqdn: FQDN, allowsNested: Bool = false, allowsSplit: Bool = false,
        _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commitOverHolds(
            .restore(fqdn, allowsNested: allowsNested, allowsSplit: allowsSplit), context)
    }
}

/// Which well-formed names signups may have: not a reserved one, and below a parent of ours.
public struct NamePolicy: Sendable {
    private let reservedLabels: Set<String>
    private let reservedNames: Set<String>
    private let suffixes: [FQDN]
    private let maximumBytes: Int

    /// - Parameters:
    ///   - reserved: the text of a list, one first label or whole name a line, `#` for comments.
    ///   - suffixes: parents below which names must lie; none: anywhere.
    ///   - maximumBytes: of a whole name.
    public init(
        reserved: String, suffixes: [FQDN], maximumBytes: Int = FQDN.maximumBytes
    ) {
        let entries = reserved.split(whereSeparator: \.isNewline)
            .map { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace }.lowercased() }
            .filter { !$0.isEmpty }
        reservedLabels = Set(entries.filter { !$0.contains(".") })
        reservedNames = Set(entries.filter { $0.contains(".") })
        self.suffixes = suffixes
        self.maximumBytes = maximumBytes
    }

    /// The list that comes with the service.
    public static let standardReserved = String(
        decoding: PackageResources.reserved_labels_txt, as: UTF8.self)

    public func check(_ fqdn: FQDN) throws(RegistryError) {
        if let refusal = try refusal(of: fqdn) { throw refusal }
    }

    /// What a registration would meet that this service could take; nil: nothing.
    ///
    /// - Throws: `malformedName` for what no registration takes, though lookups do.
    public func refusal(of fqdn: FQDN) throws(RegistryError) -> RegistryError? {
        guard fqdn.text.utf8.count <= maximumBytes else {
            throw .malformedName(input: fqdn.text, .longerThanAllowed)
        }
        guard !fqdn.hasReservedHyphens else {
            throw .malformedName(input: fqdn.text, .reservedHyphens)
        }
        let isInside = suffixes.isEmpty || suffixes.contains { fqdn != $0 && fqdn.isWithin($0) }
        guard isInside else { return .outsideSuffix(fqdn) }
        guard !reservedLabels.contains(String(fqdn.firstLabel)), !reservedNames.contains(fqdn.text)
        else { return .reservedName(fqdn) }
        return nil
    }
}
