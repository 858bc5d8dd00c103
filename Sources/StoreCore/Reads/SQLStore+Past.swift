import RegistryLedger
import RegistryModel

// The past, read from the log. It doesn't change, so that reading it needs no one transaction: each of these reads a
// part at a time, and never holds up a checkpoint, or a vacuum, for long.

extension SQLStore {
    package func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain?
    {
        try await domains([fqdn], at: revision)[0]
    }

    package func domains(
        _ fqdns: [FQDN], at revision: Revision
    ) async throws(RegistryError) -> [Domain?] {
        try await walking(
            NamesWalk(fqdns, at: revision), isPage: fqdns.count <= ReadLanes.pageSize
        ).found
    }

    package func domains(
        _ query: DomainQuery, at revision: Revision
    ) async throws(RegistryError) -> Page<Domain> {
        try await list(DomainWalk(query, at: revision)).value
    }

    package func snapshot(
        at revision: Revision, _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        let (head, locations) = try await reading(.walk) { session in
            (try Head.read(session, at: revision), try Location.all(session, at: revision))
        }
        receive(.locations(locations))
        var query = DomainQuery(limit: 4_000)
        while true {
            let page = try await domains(query, at: revision)
            receive(.domains(page.items))
            guard page.hasMore else { return head }
            query.after = page.items.last?.fqdn
        }
    }

    package func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        try await walking(HistoryWalk(query), isPage: query.limit <= ReadLanes.pageSize).page
    }
}
