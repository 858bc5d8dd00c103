import RegistryLedger
import RegistryModel

extension PostgresStore {
    /// Domains in one answer: what lies in memory at once.
    private static let domainsAtOnce: Int64 = 10_000

    public func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try await reading(.walk, isRepeatable: false) { connection in
            let head = try Head.read(connection)
            receive(.locations(try connection.query(ReadAhead.locations).map(Location.init(row:))))
            receive(
                .tokens(try connection.query(TokenRecord.select).map(TokenRecord.init(row:))))
            receive(.openMigrations(try Migration.openCount(connection)))
            receive(.frozenWaves(try Migration.frozenWaves(connection)))
            var after = ""
            while true {
                let rows = try connection.query(
                    "SELECT \(Domain.columns) FROM domain WHERE fqdn > $1 ORDER BY fqdn LIMIT $2",
                    [.text(after), .number(Self.domainsAtOnce)])
                let part = rows.map(Domain.init(row:))
                receive(.domains(part))
                guard let last = part.last, part.count == Int(Self.domainsAtOnce) else {
                    return head
                }
                after = last.fqdn.text
            }
        }
    }

    public func changes(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        try await reading(.walk) { connection in
            let head = try Head.read(connection)
            try head.check(revision)
            return try LogReader.changes(
                connection, after: revision, through: head.revision, limit: limit)
        }
    }
}
