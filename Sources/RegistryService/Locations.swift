import RegistryModel

extension RegistryService {
    public func locations(
        after: LocationName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<Location>> {
        try await store.locations(after: after, limit: limit)
    }

    public func location(_ name: LocationName) async throws(RegistryError) -> Read<Location> {
        let read = try await store.location(name)
        guard let location = read.value else { throw .locationNotFound(name) }
        return Read(location, at: read.revision)
    }

    /// - Parameter keepsDNS: whether its `dns` stays as it is, whatever `settings` has there.
    public func putLocation(
        _ name: LocationName, _ settings: LocationSettings, keepsDNS: Bool = false,
        ifMatch: Precondition? = nil, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(
            .putLocation(name, settings, keepsDNS: keepsDNS, ifMatch: ifMatch), context)
    }

    public func deleteLocation(
        _ name: LocationName, ifMatch: Precondition? = nil, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.deleteLocation(name, ifMatch: ifMatch), context)
    }
}
