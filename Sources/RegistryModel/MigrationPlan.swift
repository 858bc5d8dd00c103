/// What a plan asks for.
public struct MigrationPlan: Hashable, Sendable {
    public var id: String
    public var name: String
    public var from: LocationName
    public var to: LocationName
    public var selection: Selection
    public var waves: [WaveSize]
    public var freeze: FreezeMode
    /// Whether a tenant moves with all its domains that are at the source, or not at all.
    public var wholeTenants: Bool
    /// Whether to tell only what would be planned, and write nothing.
    public var isDryRun: Bool
    /// What a dry run lists of the plan's names; nil: none of them. Whose migration it says doesn't matter.
    public var listing: MigrationDomainQuery?

    public init(
        id: String, name: String, from: LocationName, to: LocationName, selection: Selection,
        waves: [WaveSize] = [.rest], freeze: FreezeMode = .none,
        wholeTenants: Bool = true, isDryRun: Bool = false
    ) {
        self.id = id
        self.name = name
        self.from = from
        self.to = to
        self.selection = selection
        self.waves = waves
        self.freeze = freeze
        self.wholeTenants = wholeTenants
        self.isDryRun = isDryRun
    }

    /// Names in one list, at most.
    public static let maximumNames = 1_000_000
    public static let maximumWaves = 1_000

    /// A new id: 60 bits from the system's random source.
    public static func newID() -> String { "m-\(Epoch.random())" }
}

/// Which domains a plan looks at.
public enum Selection: Hashable, Sendable {
    /// In this order: earlier ones are in earlier waves.
    case names([FQDN])
    /// Wherever they live, by name.
    case filter(DomainFilter, sample: Sample?)
}

/// A share of all names that stays the same: a name is in it by the SHA-256 of its text, so that a
/// larger share holds every smaller one.
public struct Sample: Hashable, Sendable {
    /// Above 0, at most 100.
    public let percent: Double

    /// `nil`: not such a number.
    public init?(percent: Double) {
        guard percent > 0, percent <= 100 else { return nil }
        self.percent = percent
    }

    /// A name is in the sample where the first four bytes of its SHA-256, as a big-endian number,
    /// are below this.
    public var threshold: Int64 { Int64((percent / 100 * 4_294_967_296).rounded()) }
}

/// How large a wave shall be.
public enum WaveSize: Hashable, Sendable {
    /// 1 or more.
    case count(Int)
    /// Of the eligible, rounded up. Above 0, at most 100.
    case percent(Double)
    case rest

    /// The sizes of a plan's waves. A wave takes what there is; one that nothing is left for isn't
    /// planned.
    public static func sizes(of waves: [WaveSize], eligible: Int) -> [Int] {
        var left = eligible
        return waves.compactMap { wave in
            let size = min(wave.wanted(of: eligible), left)
            left -= size
            return size > 0 ? size : nil
        }
    }

    /// The same of tenants that move whole: a wave takes the next ones as long as they fit, and one that is larger than
    /// the wave alone.
    ///
    /// - Parameter tenants: their sizes, in order; a domain without a tenant is one of one.
    public static func sizes(of waves: [WaveSize], tenants: [Int]) -> [Int] {
        let eligible = tenants.reduce(0, +)
        var rest = tenants[...]
        return waves.compactMap { wave in
            let wanted = wave.wanted(of: eligible)
            guard wanted > 0, var size = rest.popFirst() else { return nil }
            while let next = rest.first, size + next <= wanted {
                size += next
                rest.removeFirst()
            }
            return size
        }
    }

    /// At most as many as there are.
    private func wanted(of eligible: Int) -> Int {
        switch self {
        case .count(let count): min(count, eligible)
        // 250 × 64.4 is a little over 16,100 in floating point, and 64.4 % of 250 is 161.
        case .percent(let percent):
            min(Int((Double(eligible) * percent / 100 * (1 - 1e-12)).rounded(.up)), eligible)
        case .rest: eligible
        }
    }
}

/// What a step on a wave must be sure of: that the plan is the one that was reviewed.
public struct WaveAgreement: Hashable, Sendable {
    /// As the plan's answer had it, `sha256:…`.
    public var planDigest: String
    public var expectedCount: Int
    /// Why an admin sets the guard aside; at most 500 characters.
    public var overrideReason: String?
    /// The freeze that all agents are known to have applied: a cutover of the wave under another one, or
    /// under none, is refused. Nil: nobody asked them.
    public var appliedFreeze: Revision?

    public init(planDigest: String, expectedCount: Int, overrideReason: String? = nil) {
        self.planDigest = planDigest
        self.expectedCount = expectedCount
        self.overrideReason = overrideReason
    }
}

/// How much one wave may do before an admin has to say so.
public struct BlastRadius: Hashable, Sendable {
    /// Domains in one wave.
    public var maximumWave: Int
    /// Domains that a wave leaves at its source.
    public var minimumRemaining: Int

    public init(maximumWave: Int = 100_000, minimumRemaining: Int = 0) {
        self.maximumWave = maximumWave
        self.minimumRemaining = minimumRemaining
    }

    /// Why a wave is too much; nil: it isn't.
    ///
    /// - Parameters:
    ///   - what: moves.
    ///   - remaining: domains at the source besides the wave.
    public func refusal(
        _ what: String = "the wave", size: Int, remaining: Int, source: LocationName
    ) -> String? {
        if size > maximumWave {
            return "\(what) has \(size) domains; at most \(maximumWave) may move at once"
        }
        if remaining < minimumRemaining {
            return
                "\(what) leaves \(max(0, remaining)) domains at \(source); at least \(minimumRemaining) must remain"
        }
        return nil
    }
}

/// What keeps a step from a wave: a row that isn't as the plan, the freeze or the cutover left it, or a domain that has
/// come to one of the wave's tenants since.
public struct WaveConflict: Hashable, Sendable, Codable {
    public enum Reason: String, CaseIterable, Sendable, Codable {
        /// Its location or mode is another one.
        case changed
        /// It's gone, or was registered anew since.
        case released
        /// Another wave holds it: a row of the wave's, or one of its tenants' where the step would bring their others.
        case frozen
        /// It's none of the wave's, or has another tenant than it had: the step would part a tenant from it.
        case new
    }

    public struct Place: Hashable, Sendable, Codable {
        public var location: LocationName
        public var mode: Mode

        public init(location: LocationName, mode: Mode) {
            self.location = location
            self.mode = mode
        }
    }

    public var fqdn: FQDN
    /// `nil`: the domain is none of the wave's, but of one of its tenants'.
    public var expected: Place?
    /// `nil`: the domain was released. A name that was released and registered anew is another
    /// domain, and counts as released.
    public var found: Place?
    /// A registry that is older than this client doesn't say it, and a newer one may know others.
    public var reason: Reason?

    public init(fqdn: FQDN, expected: Place?, found: Place?, reason: Reason?) {
        self.fqdn = fqdn
        self.expected = expected
        self.found = found
        self.reason = reason
    }

    public init(fqdn: FQDN, expected: Place?, found: Place?, isFrozen: Bool = false) {
        let reason: Reason =
            if expected == nil {
                .new
            } else if found == nil {
                .released
            } else {
                isFrozen ? .frozen : .changed
            }
        self.init(fqdn: fqdn, expected: expected, found: found, reason: reason)
    }

    /// How many come with one refusal.
    public static let shown = 1_000
}
