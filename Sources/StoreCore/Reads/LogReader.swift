import RegistryLedger
import RegistryModel

/// Reads the log as every copy of the table reads it, a node's or an agent's: the same narrow rows, in order.
package enum LogReader {
    /// Changes in one answer: what lies in memory at once.
    private static let rowsAtOnce = 10_000

    /// Lines after a place, up to a revision.
    package static func lines(
        _ session: some SQLSession, after place: HistoryQuery.Place, through last: Revision,
        limit: Int
    ) throws -> [LogLine] {
        var placements = PlacementReader()
        // CROSS JOIN keeps the order of SQLite's loops, so that the rows come out sorted and stop at their limit.
        return try session.rows(
            """
            SELECT \(LogLine.columns) FROM change_log c CROSS JOIN revision_log r
            WHERE r.revision = c.revision AND (c.revision, c.position) > ($1, $2) AND c.revision <= $3
            ORDER BY c.revision, c.position LIMIT $4
            """,
            [
                .number(place.revision.number), .number(place.position), .number(last.number),
                .number(limit),
            ]
        ) { try LogLine(row: $0, &placements) }
    }

    /// Whole revisions after `revision`, up to `last` where there is one; the revision that crosses the
    /// limit comes whole.
    package static func changes(
        _ session: some SQLSession, after revision: Revision, through last: Revision? = nil,
        limit: Int
    ) throws -> [RevisionChanges] {
        guard let end = try end(session, after: revision, through: last, limit: limit) else {
            return []
        }
        var result: [RevisionChanges] = []
        // Positions are numbered from 0: this is behind the last change of `revision`.
        var place = HistoryQuery.Place(revision: revision, position: .max)
        while true {
            let lines = try lines(session, after: place, through: end, limit: rowsAtOnce)
            let tokens = try tokens(session, of: lines)
            for line in lines {
                if result.last?.revision != line.place.revision {
                    result.append(RevisionChanges(revision: line.place.revision))
                }
                result[result.count - 1].add(line) { tokens[$0] }
            }
            guard let last = lines.last, lines.count == rowsAtOnce else { return result }
            place = last.place
        }
    }

    /// The revision that a page ends with.
    private static func end(
        _ session: some SQLSession, after revision: Revision, through last: Revision?, limit: Int
    ) throws -> Revision? {
        let headers = try session.rows(
            """
            SELECT revision, change_count FROM revision_log WHERE revision > $1 AND revision <= $2
            ORDER BY revision LIMIT $3
            """,
            [
                .number(revision.number), .number(last?.number ?? .max), .number(max(1, limit)),
            ]
        ) { (revision: try $0.revision(0), count: try $0.integer(1)) }
        var end: Revision?
        var count = 0
        for header in headers where count < limit {
            end = header.revision
            count += header.count
        }
        return end
    }

    /// Tokens as they are now: their digests aren't in the log.
    private static func tokens(
        _ session: some SQLSession, of lines: [LogLine]
    ) throws -> [String: TokenRecord] {
        let ids = lines.compactMap { line -> String? in
            if case .token(let id) = line.kind { id } else { nil }
        }
        guard !ids.isEmpty else { return [:] }
        let list = session.dialect.texts("$1", as: "asked")
        let records = try session.rows(
            "\(TokenRecord.select) WHERE t.id IN (SELECT asked.value FROM \(list))",
            [.texts(ids)], TokenRecord.init(row:))
        return Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) })
    }
}

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
                let part = try Domain.rows(
                    session, "WHERE fqdn > $1 ORDER BY fqdn LIMIT $2",
                    [.text(after), .number(SnapshotPart.domainsAtOnce)])
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
        ).page()
    }
}

extension SnapshotPart {
    /// Domains in one answer: what lies in memory at once.
    fileprivate static let domainsAtOnce = 8_192
}

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
        try await walking(HistoryWalk(query), isPage: query.limit <= ReadLanes.pageSize).page()
    }
}
