import RegistryLedger
import RegistryModel

/// Reads the log as every copy of the table reads it: whole revisions, in order.
enum LogReader {
    /// Changes in one answer: what lies in memory at once.
    private static let rowsAtOnce: Int64 = 10_000

    /// Whole revisions after `revision`, up to `last` where there is one; the revision that crosses the
    /// limit comes whole.
    static func changes(
        _ connection: PostgresConnection, after revision: Revision, through last: Revision? = nil,
        limit: Int
    ) throws -> [RevisionChanges] {
        guard
            let end = try end(connection, after: revision, through: last, limit: limit)
        else { return [] }
        var result: [RevisionChanges] = []
        var items: [HistoryItem] = []
        var place = (revision: revision.next.number, position: Int64(0))
        while true {
            let rows = try connection.query(
                """
                SELECT \(HistoryItem.columns) FROM change_log c
                JOIN revision_log r ON r.revision = c.revision
                WHERE (c.revision, c.position) >= ($1, $2) AND c.revision <= $3
                ORDER BY c.revision, c.position LIMIT $4
                """,
                [
                    .number(place.revision), .number(place.position), .number(end.number),
                    .number(rowsAtOnce),
                ])
            items = try rows.map(HistoryItem.init(row:))
            let tokens = try tokens(connection, of: items)
            for item in items {
                if result.last?.revision != item.header.revision {
                    result.append(RevisionChanges(revision: item.header.revision))
                }
                result[result.count - 1].add(item) { tokens[$0] }
            }
            guard let final = items.last, rows.count == Int(rowsAtOnce) else { return result }
            place = (final.header.revision.number, Int64(final.position) + 1)
        }
    }

    /// The revision that a page ends with.
    private static func end(
        _ connection: PostgresConnection, after revision: Revision, through last: Revision?,
        limit: Int
    ) throws -> Revision? {
        let headers = try connection.query(
            """
            SELECT revision, change_count FROM revision_log WHERE revision > $1 AND revision <= $2
            ORDER BY revision LIMIT $3
            """,
            [
                .number(revision.number), .number(last?.number ?? .max),
                .number(Int64(max(1, limit))),
            ])
        var end: Revision?
        var count: Int64 = 0
        for row in 0..<headers.count where count < Int64(limit) {
            end = headers[row].revision(0)
            count += headers[row].number(1)
        }
        return end
    }

    /// Tokens as they are now: their digests aren't in the log.
    private static func tokens(
        _ connection: PostgresConnection, of items: [HistoryItem]
    ) throws -> [String: TokenRecord] {
        let ids = items.compactMap { item -> String? in
            if case .token(let id, _, _) = item.change.subject { id } else { nil }
        }
        guard !ids.isEmpty else { return [:] }
        let records = try connection.query(
            "\(TokenRecord.select) WHERE t.id = ANY ($1)", [.texts(ids)]
        ).map(TokenRecord.init(row:))
        return Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) })
    }
}
