import RegistryModel

extension RegistryService {
    public func locations(
        after: LocationName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<Location>> {
        try await store.locations(after: after, limit: limit)
    }

    /// - Parameter keepsDNS: whether its `dns` stays as it is, whatever `settings` has there.
    public func putLocation(
        _ name: LocationName, _ settings: LocationSettings, keepsDNS: Bool = false,
        _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.putLocation(name, settings, keepsDNS: keepsDNS), context)
    }

    public func deleteLocation(
        _ name: LocationName, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.deleteLocation(name), context)
    }
}
