import RegistryModel

extension RegistryService {
    /// Plans a move of many domains, or tells only what would be planned.
    public func planMigration(
        _ plan: MigrationPlan, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.planMigration(plan), context)
    }

    /// Ends a migration whose waves have all moved, or are rolled back or cancelled.
    public func finalizeMigration(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.finalizeMigration(id: id), context)
    }

    /// Ends what hasn't moved.
    public func cancelMigration(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.cancelMigration(id: id), context)
    }
}

extension RegistryService {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration> {
        let read = try await store.migration(id)
        guard let migration = read.value else { throw .unknownMigration(id) }
        return Read(migration, at: read.revision)
    }

    public func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try await store.migrations(query)
    }

    public func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        let read = try await store.domains(of: query)
        // An empty page of a migration that isn't there is a mistake of the caller's.
        if read.value.items.isEmpty { _ = try await migration(query.migration) }
        return read
    }
}
