import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try await reading(.walk) { db in
            let head = try Head.read(db)
            receive(
                .locations(
                    try Row.fetchAll(db, sql: "SELECT * FROM location").map(Location.init(row:))))
            receive(
                .tokens(try Row.fetchAll(db, sql: TokenRecord.select).map(TokenRecord.init(row:))))
            receive(.openMigrations(try Migration.openCount(db)))
            receive(.frozenWaves(try Migration.frozenWaves(db)))
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at
                    FROM domain ORDER BY fqdn
                    """)
            var part: [Domain] = []
            while let row = try rows.next() {
                part.append(Domain(row: row))
                if part.count == 4096 {
                    receive(.domains(part))
                    part.removeAll(keepingCapacity: true)
                }
            }
            receive(.domains(part))
            return head
        }
    }

    public func changes(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        try await reading(.walk) { db in
            let head = try Head.read(db).revision
            guard revision <= head else {
                throw RegistryError.unknownRevision(revision, head: head)
            }
            var result: [RevisionChanges] = []
            var count = 0
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(HistoryItem.columns) FROM revision_log r
                    CROSS JOIN change_log c ON c.revision = r.revision
                    WHERE r.revision > ? ORDER BY r.revision, c.position
                    """, arguments: [revision.number])
            while let row = try rows.next() {
                let item = try HistoryItem(row: row)
                if result.last?.revision != item.header.revision {
                    guard count < limit else { break }
                    result.append(RevisionChanges(revision: item.header.revision))
                }
                count += 1
                try result[result.count - 1].add(item, tokens: SQLiteTransaction(db: db).token)
            }
            return result
        }
    }
}
