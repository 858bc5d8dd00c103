import RegistryLedger
import RegistryModel

// The log as copies of the routing table read it, and where a copy begins.

extension SQLStore {
    /// Everything at one revision.
    package func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        // What was received can't be taken back: it mustn't run twice.
        try await reading(.walk, isRepeatable: false) { session in
            let head = try Head.read(session)
            receive(.locations(try session.rows(Location.select, [], Location.init(row:))))
            receive(.tokens(try session.rows(TokenRecord.select, [], TokenRecord.init(row:))))
            receive(.openMigrations(try Migration.openCount(session)))
            receive(.frozenWaves(try Migration.frozenWaves(session)))
            var after = ""
            while true {
                let part = try session.rows(
                    "SELECT \(Domain.columns) FROM domain WHERE fqdn > $1 ORDER BY fqdn LIMIT $2",
                    [.text(after), .number(SnapshotPart.domainsAtOnce)], Domain.init(row:))
                receive(.domains(part))
                guard let last = part.last, part.count == SnapshotPart.domainsAtOnce else {
                    return head
                }
                after = last.fqdn.text
            }
        }
    }

    package func tableChanges(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> Page<TableChange> {
        try await walking(
            TableChangesWalk(after: place, through: last, limit: limit), isPage: false
        ).page
    }
}

extension SnapshotPart {
    /// Domains in one answer: what lies in memory at once.
    fileprivate static let domainsAtOnce = 8_192
}
