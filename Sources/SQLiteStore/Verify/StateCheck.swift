import GRDB
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
        case live, released, known, tokens, locations
    }

    /// Names in one transaction: some 20 ms.
    private static let namesAtOnce = 2_000

    /// - Parameter seeds: the locations that the schema comes with.
    init(seeds: [Location]) {
        self.seeds = seeds
    }

    var flaw: Verification.Flaw? {
        guard var flaw = first else { return nil }
        if count > 1 { flaw.what += " (and \(count - 1) more)" }
        return flaw
    }

    mutating func advance(_ db: Database) throws {
        switch part {
        case .live:
            domains += Int64(try page(db, Self.live, next: .released))
        case .released:
            domains += Int64(try page(db, Self.released, next: .known))
        case .known: try known(db)
        case .tokens: _ = try page(db, Self.tokens, next: .locations)
        case .locations:
            for flaw in try SubjectCheck(seeds: seeds).flaws(db) { note(flaw) }
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
    private mutating func page(_ db: Database, _ check: Comparison, next: Part) throws -> Int {
        let range = try Row.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT count(*), max(name) FROM (
                        SELECT \(check.key) AS name FROM \(check.table)
                        WHERE \(check.key) > ? ORDER BY \(check.key) LIMIT \(Self.namesAtOnce))
                    """), arguments: [after])
        guard let range, let last: String = range[1] else {
            go(to: next)
            return 0
        }
        let rows = try Row.fetchAll(
            try db.cachedStatement(sql: check.sql), arguments: [after, last])
        for row in rows { note(check.flaw(row)) }
        after = last
        return range[0]
    }

    /// Every name that the log knows is live or released: from one to the next in the index.
    private mutating func known(_ db: Database) throws {
        let row = try Row.fetchOne(
            try db.cachedStatement(
                sql: """
                    WITH RECURSIVE known (fqdn) AS (
                        SELECT min(fqdn) FROM change_log WHERE fqdn > ?
                        UNION ALL
                        SELECT (SELECT min(fqdn) FROM change_log WHERE fqdn > known.fqdn)
                        FROM known WHERE known.fqdn IS NOT NULL LIMIT \(Self.namesAtOnce))
                    SELECT max(fqdn), min(CASE
                        WHEN EXISTS (SELECT 1 FROM domain d WHERE d.fqdn = known.fqdn) THEN NULL
                        WHEN EXISTS (SELECT 1 FROM released_domain d WHERE d.fqdn = known.fqdn) THEN NULL
                        ELSE fqdn END)
                    FROM known
                    """), arguments: [after])
        if let missing: String = row?[1] {
            let revision = try Int64.fetchOne(
                db, sql: "SELECT max(revision) FROM change_log WHERE fqdn = ?", arguments: [missing]
            )
            note(.init(revision.map { Revision($0) }, "\(missing) is in the log and in no table"))
        }
        guard let last: String = row?[0] else { return go(to: .tokens) }
        after = last
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

    /// Two columns a comparison, after the name and the log's revision.
    var sql: String {
        let values = columns.map { "t.\($0.name), \($0.log)" }.joined(separator: ", ")
        let differs = columns.map { "t.\($0.name) IS NOT \($0.log)" }.joined(separator: " OR ")
        return """
            SELECT t.\(key), coalesce(c.revision, 0), \(isInLog), \(values) FROM \(table) t \(joins)
            WHERE t.\(key) > ? AND t.\(key) <= ? AND (NOT (\(isInLog)) OR \(differs))
            """
    }

    func flaw(_ row: Row) -> Verification.Flaw {
        let name: String = row[0]
        let revision: Int64 = row[1]
        guard row[2] as Bool else {
            return .init(
                Revision(revision),
                "\(name) is in the table \(table), and by the log it shouldn't be")
        }
        let differences = columns.indices.compactMap { index -> String? in
            let (stored, logged) =
                (row[3 + 2 * index], row[4 + 2 * index]) as (DatabaseValue, DatabaseValue)
            guard stored != logged else { return nil }
            return "\(columns[index].name) is \(stored), and by the log \(logged)"
        }
        return .init(
            Revision(revision),
            "\(name) in the table \(table): \(differences.joined(separator: ", "))")
    }
}

extension StateCheck {
    /// `c` is the last change of the name, `r` its revision.
    private static let lastChange = """
        LEFT JOIN change_log c ON c.fqdn = t.fqdn AND (c.revision, c.position) = (
            SELECT l.revision, l.position FROM change_log l WHERE l.fqdn = t.fqdn
            ORDER BY l.revision DESC, l.position DESC LIMIT 1)
        LEFT JOIN revision_log r ON r.revision = c.revision
        """

    fileprivate static let live = Comparison(
        table: "domain", key: "fqdn",
        columns: [
            ("location", "c.after_location"), ("mode", "c.after_mode"),
            ("tenant", "c.after_tenant"), ("revision", "c.revision"),
            ("registered_at", "c.registered_at"), ("changed_at", "r.at"),
        ], joins: lastChange, isInLog: "c.after_location IS NOT NULL")

    fileprivate static let released = Comparison(
        table: "released_domain", key: "fqdn",
        columns: [
            ("location", "c.before_location"), ("mode", "c.before_mode"),
            ("tenant", "c.before_tenant"), ("revision", "c.revision"),
            ("registered_at", "c.registered_at"), ("released_at", "r.at"),
        ], joins: lastChange, isInLog: "c.revision IS NOT NULL AND c.after_location IS NULL")

    /// `c` made the token, `v` revoked it.
    fileprivate static let tokens = Comparison(
        table: "token", key: "id",
        columns: [
            ("name", "json_extract(c.after_detail, '$.name')"),
            ("role", "json_extract(c.after_detail, '$.role')"),
            ("expires_at", "json_extract(c.after_detail, '$.expires_at')"),
            ("created_at", "r.at"), ("revoked_at", "vr.at"),
        ],
        joins: """
            LEFT JOIN change_log c ON c.subject = t.id AND c.action = 'token_created'
            LEFT JOIN revision_log r ON r.revision = c.revision
            LEFT JOIN change_log v ON v.subject = t.id AND v.action = 'token_revoked'
            LEFT JOIN revision_log vr ON vr.revision = v.revision
            """, isInLog: "c.revision IS NOT NULL")
}
