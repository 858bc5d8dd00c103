import RegistryModel
import RoutingTable

extension RegistryService {
    /// What the domains of a snapshot come to, and the position to read them at.
    public func snapshot() throws(RegistryError) -> (position: Position, summary: TableSummary) {
        let read = try table.summary()
        var position = try self.position()
        position.revision = read.revision
        return (position, read.value)
    }

    /// What every copy of the table has at its revision, for comparing.
    public func digest() throws(RegistryError) -> Read<TableDigest> {
        let read = try table.digest()
        return Read(read.value.0, at: read.revision)
    }

    /// Some of the domains as of a revision, by name.
    public func snapshotPage(
        after name: FQDN?, at revision: Revision, limit: Int
    ) async throws(RegistryError) -> Page<Domain> {
        try await store.domains(DomainQuery(after: name, limit: limit), at: revision)
    }
}
