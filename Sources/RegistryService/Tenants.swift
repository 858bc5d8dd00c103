import RegistryModel

extension RegistryService {
    /// A tenant, and a page of its domains by name.
    public func tenant(
        _ name: String, after: FQDN?, limit: Int
    ) async throws(RegistryError) -> Read<TenantPage> {
        let read = try await store.tenant(name, after: after, limit: limit)
        guard let page = read.value else { throw .unknownTenant(name) }
        return Read(page, at: read.revision, of: read.epoch)
    }

    public func tenants(
        _ query: TenantQuery
    ) async throws(RegistryError) -> Read<Page<Tenant>> {
        try await store.tenants(query)
    }

    /// How many tenants are in more than one place.
    public func splitTenantCount() async throws(RegistryError) -> Int {
        try await store.splitTenantCount()
    }

    /// All domains of a tenant, in one revision.
    public func changeTenant(
        _ name: String, _ patch: TenantPatch, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.changeTenant(name, patch), context)
    }
}
