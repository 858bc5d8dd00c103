import RegistryLedger
import RegistryModel
import StoreCore

/// Compares the tables of what is now with the last change of each subject in the log, a page of names
/// at a time. Each page is one snapshot: table and log are of one moment there, whatever is written
/// between two pages.
///
/// It can't tell how long a released name rests (the log doesn't say), nor a token's secret.
struct StateCheck: Sendable {
    private(set) var domains: Int64 = 0
    private(set) var isDone = false
    /// The first by revision, and how many there are.
    private var first: Verification.Flaw?
    private var count = 0

    private let seeds: [Location]
    private var part = Part.live
    /// The last name of the page before.
    private var after = ""

    private enum Part: Sendable {
        case live, released, known, subjects
    }

    /// Names in one read.
    private static let namesAtOnce: Int64 = 5_000

    /// - Parameter seeds: the locations that the schema comes with.
    init(seeds: [Location]) {
        self.seeds = seeds
    }

    var flaw: Verification.Flaw? {
        guard var flaw = first else { return nil }
        if count > 1 { flaw.what += " (and \(count - 1) more)" }
        return flaw
    }

    mutating func advance(_ connection: PostgresConnection) throws {
        switch part {
        case .live: domains += try page(connection, .live, next: .released)
        case .released: domains += try page(connection, .released, next: .known)
        case .known: try known(connection)
        case .subjects:
            _ = try page(connection, .tokens, next: .subjects)
            guard after.isEmpty else { return }
            try locationsAndTokens(connection)
            isDone = true
        }
    }

    private mutating func go(to next: Part) {
        part = next
        after = ""
    }

    private mutating func note(_ flaw: Verification.Flaw) {
        count += 1
        let isEarlier = (flaw.revision ?? .zero) < (first?.revision ?? Revision(.max))
        if first == nil || isEarlier { first = flaw }
    }

    /// One page along a table's key.
    /// - Returns: the number of names.
    private mutating func page(
        _ connection: PostgresConnection, _ check: Comparison, next: Part
    ) throws -> Int64 {
        let range = try connection.query(
            check.range, [.text(after), .number(Self.namesAtOnce)]
        ).first
        guard let range, let last = try range.textIfPresent(1) else {
            go(to: next)
            return 0
        }
        let rows = try connection.query(check.sql, [.text(after), .text(last)])
        for index in 0..<rows.count { note(try check.flaw(rows[index])) }
        after = last
        return try range.number(0)
    }

    /// Every name that the log knows is live or released: from one to the next in the index.
    private mutating func known(_ connection: PostgresConnection) throws {
        let row = try connection.query(
            """
            WITH known AS (
                SELECT DISTINCT fqdn FROM change_log WHERE fqdn > $1 ORDER BY fqdn LIMIT $2)
            SELECT max(fqdn), min(fqdn) FILTER (
                WHERE NOT EXISTS (SELECT FROM domain d WHERE d.fqdn = known.fqdn)
                AND NOT EXISTS (SELECT FROM released_domain d WHERE d.fqdn = known.fqdn))
            FROM known
            """, [.text(after), .number(Self.namesAtOnce)]
        ).first
        if let missing = try row?.textIfPresent(1) {
            let revision = try connection.query(
                "SELECT max(revision) FROM change_log WHERE fqdn = $1", [.text(missing)]
            ).first?.numberIfPresent(0)
            note(.init(revision.map { Revision($0) }, "\(missing) is in the log and in no table"))
        }
        guard let last = try row?.textIfPresent(0) else { return go(to: .subjects) }
        after = last
    }

    private mutating func locationsAndTokens(_ connection: PostgresConnection) throws {
        let log = try connection.query(
            """
            SELECT subject, revision, after_detail FROM change_log
            WHERE subject IS NOT NULL AND action = 'location_changed'
            ORDER BY subject, revision, position
            """
        ).map { row in
            LocationCheck.Line(
                name: try row.text(0), revision: try row.revision(1),
                after: try row.textIfPresent(2))
        }
        let table = try connection.rows(Location.select, [], Location.init(row:))
        for flaw in try LocationCheck(seeds: seeds).flaws(log: log, table: table) { note(flaw) }
        let missing = try connection.query(
            """
            SELECT c.subject, c.revision FROM change_log c
            WHERE c.subject IS NOT NULL AND c.action = 'token_created'
                AND NOT EXISTS (SELECT FROM token t WHERE t.id = c.subject)
            ORDER BY c.subject LIMIT 100
            """)
        for index in 0..<missing.count {
            let row = missing[index]
            note(
                .init(
                    try row.revision(1),
                    "the token \(try row.text(0)) is in the log and not in its table"))
        }
    }
}

/// How a table's rows are compared with the log: SQL that gives only those that don't fit.
private struct Comparison: Sendable {
    let table: String
    let key: String
    /// The table's column, and what the log has for it.
    let columns: [(name: String, log: String)]
    /// Tables of the log, joined to `t`.
    let joins: String
    let isInLog: String

    var range: String {
        """
        SELECT count(*), max(name) FROM (SELECT \(key) AS name FROM \(table)
            WHERE \(key) > $1 ORDER BY \(key) LIMIT $2) AS page
        """
    }

    /// Two columns a comparison, after the name, the log's revision and whether it's in the log.
    var sql: String {
        let values = columns.map { "t.\($0.name)::text, (\($0.log))::text" }
            .joined(separator: ", ")
        let differs = columns.map { "t.\($0.name) IS DISTINCT FROM \($0.log)" }
            .joined(separator: " OR ")
        return """
            SELECT t.\(key), coalesce(c.revision, 0), \(isInLog), \(values) FROM \(table) t \(joins)
            WHERE t.\(key) > $1 AND t.\(key) <= $2 AND (NOT (\(isInLog)) OR \(differs))
            """
    }

    func flaw(_ row: ResultRow) throws -> Verification.Flaw {
        let name = try row.text(0)
        guard try row.flag(2) else {
            return .init(
                try row.revision(1),
                "\(name) is in the table \(table), and by the log it shouldn't be")
        }
        let differences = try columns.indices.compactMap { index -> String? in
            let stored = try row.textIfPresent(3 + 2 * index)
            let logged = try row.textIfPresent(4 + 2 * index)
            guard stored != logged else { return nil }
            return
                "\(columns[index].name) is \(stored ?? "NULL"), and by the log \(logged ?? "NULL")"
        }
        return .init(
            try row.revision(1),
            "\(name) in the table \(table): \(differences.joined(separator: ", "))"
        )
    }

    /// `c` is the last change of the name, `r` its revision.
    private static let lastChange = """
        LEFT JOIN LATERAL (SELECT * FROM change_log l WHERE l.fqdn = t.fqdn
            ORDER BY l.revision DESC, l.position DESC LIMIT 1) c ON true
        LEFT JOIN revision_log r ON r.revision = c.revision
        """

    static let live = Comparison(
        table: "domain", key: "fqdn",
        columns: [
            ("location", "c.after_location"), ("mode", "c.after_mode"),
            ("tenant", "c.after_tenant"), ("revision", "c.revision"),
            ("registered_at", "c.registered_at"), ("changed_at", "r.at"),
        ], joins: lastChange, isInLog: "c.after_location IS NOT NULL")

    static let released = Comparison(
        table: "released_domain", key: "fqdn",
        columns: [
            ("location", "c.before_location"), ("mode", "c.before_mode"),
            ("tenant", "c.before_tenant"), ("revision", "c.revision"),
            ("registered_at", "c.registered_at"), ("released_at", "r.at"),
        ], joins: lastChange, isInLog: "c.revision IS NOT NULL AND c.after_location IS NULL")

    /// `c` made the token, `v` revoked it.
    static let tokens = Comparison(
        table: "token", key: "id",
        columns: [
            ("name", "c.after_detail::jsonb ->> 'name'"),
            ("role", "c.after_detail::jsonb ->> 'role'"),
            ("expires_at", "(c.after_detail::jsonb ->> 'expires_at')::bigint"),
            ("created_at", "r.at"), ("revoked_at", "vr.at"),
        ],
        joins: """
            LEFT JOIN change_log c ON c.subject = t.id AND c.action = 'token_created'
            LEFT JOIN revision_log r ON r.revision = c.revision
            LEFT JOIN change_log v ON v.subject = t.id AND v.action = 'token_revoked'
            LEFT JOIN revision_log vr ON vr.revision = v.revision
            """, isInLog: "c.revision IS NOT NULL")
}
