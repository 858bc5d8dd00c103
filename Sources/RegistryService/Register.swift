import RegistryModel

extension RegistryService {
    /// Registers one new domain. Of any number of racing calls for one name, exactly one succeeds.
    public func register(
        _ domain: NewDomain, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try names.check(domain.fqdn)
        guard !domain.allowsNested || context.actor.role.may(.operate) else {
            throw .nestingForbidden(context.actor.role)
        }
        return try await commit(.register(domain), context)
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
