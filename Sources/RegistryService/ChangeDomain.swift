import RegistryModel

extension RegistryService {
    public func change(
        _ fqdn: FQDN, _ patch: DomainPatch, ifMatch: Precondition?, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.change(fqdn, patch, ifMatch: ifMatch), context)
    }

    /// Lets a domain go. Its name rests in quarantine.
    public func release(
        _ fqdn: FQDN, ifMatch: Precondition?, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.release(fqdn, ifMatch: ifMatch), context)
    }

    /// Brings a released domain back as it was.
    public func restore(
        _ fqdn: FQDN, allowsNested: Bool = false, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.restore(fqdn, allowsNested: allowsNested), context)
    }
}
