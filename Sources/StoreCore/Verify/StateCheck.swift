import RegistryLedger
import RegistryModel

/// Compares the tables of what is now with the last change of each subject in the log, a page of names
/// at a time, and what is counted of domains with the domains. Each page is one snapshot: table and log are of one moment
/// there, whatever is written between two pages.
///
/// It can't tell how long a released name rests (the log doesn't say), a token's secret, nor how far a webhook has come.
struct StateCheck: Sendable {
    private(set) var domains: Int64 = 0
    private(set) var isDone = false
    /// The first by revision, and how many there are.
    private var first: Verification.Flaw?
    private var count = 0

    private let seeds: [Location]
    private let contents: SchemaContents
    private var part = Part.live
    /// The last name of the page before.
    private var after = ""

    private enum Part: Sendable {
        case live, released, held, known, tenants, subjects
    }

    /// Names in one read: some 20 ms.
    private static let namesAtOnce = 2_000

    /// - Parameter seeds: the locations that the schema comes with.
    init(seeds: [Location], _ contents: SchemaContents) {
        (self.seeds, self.contents) = (seeds, contents)
    }

    var flaw: Verification.Flaw? {
        guard var flaw = first else { return nil }
        if count > 1 { flaw.what += " (and \(count - 1) more)" }
        return flaw
    }

    mutating func advance(_ session: some SQLSession) throws {
        switch part {
        case .live: domains += try page(session, .live, next: .released)
        case .released:
            let next: Part = contents.hasHolds ? .held : .known
            domains += try page(session, .released, next: next)
        case .held: _ = try page(session, .held, next: .known)
        case .known: try known(session)
        case .tenants:
            let page = try TenantCheck(session: session).places(after: after)
            for flaw in page.flaws { note(flaw) }
            if let last = page.last { after = last } else { go(to: .subjects) }
        case .subjects:
            _ = try page(session, .tokens, next: .subjects)
            guard after.isEmpty else { return }
            try locationsAndTokens(session)
            if contents.hasHolds {
                for flaw in try ApprovalCheck(session: session).flaws() { note(flaw) }
            }
            if contents.hasWebhooks {
                for flaw in try WebhookCheck(session: session).flaws() { note(flaw) }
            }
            isDone = true
        }
    }

    private mutating func go(to next: Part) {
        part = next
        after = ""
    }

    private mutating func note(_ flaw: Verification.Flaw) {
        count += 1
        // What no revision tells of comes after what one does.
        let isEarlier =
            (flaw.revision ?? Revision(.max)) < (first?.revision ?? Revision(.max))
        if first == nil || isEarlier { first = flaw }
    }

    /// One page along a table's key.
    /// - Returns: the number of names.
    private mutating func page(
        _ session: some SQLSession, _ check: Comparison, next: Part
    ) throws -> Int64 {
        let range = try session.first(
            check.range, [.text(after), .number(Self.namesAtOnce)]
        ) { (count: try $0.number(0), last: try $0.textIfPresent(1)) }
        guard let range, let last = range.last else {
            go(to: next)
            return 0
        }
        let flaws = try session.rows(
            check.sql(session.dialect, contents), [.text(after), .text(last)]
        ) { try check.flaw($0, contents) }
        for flaw in flaws { note(flaw) }
        if check.hasTenants, contents.hasTenants {
            for flaw in try TenantCheck(session: session).uncounted(after: after, through: last) {
                note(flaw)
            }
        }
        after = last
        return range.count
    }

    /// Every name that the log knows is live or released, unless it was only ever held; and held, where its last line says
    /// so: from one to the next in the index.
    private mutating func known(_ session: some SQLSession) throws {
        let isHeldAndMissing = """
            NOT EXISTS (SELECT 1 FROM held_domain d WHERE d.fqdn = known.fqdn)
            AND 'held' = (SELECT l.action FROM change_log l WHERE l.fqdn = known.fqdn
                ORDER BY l.revision DESC, l.position DESC LIMIT 1)
            """
        let page = try session.first(
            """
            WITH RECURSIVE next (fqdn) AS (
                SELECT min(fqdn) FROM change_log WHERE fqdn > $1
                UNION ALL
                SELECT (SELECT min(fqdn) FROM change_log WHERE fqdn > next.fqdn)
                FROM next WHERE next.fqdn IS NOT NULL),
            known AS (SELECT fqdn FROM next LIMIT $2)
            SELECT max(fqdn), min(fqdn) FILTER (
                WHERE NOT EXISTS (SELECT 1 FROM domain d WHERE d.fqdn = known.fqdn) AND (
                    NOT EXISTS (SELECT 1 FROM released_domain d WHERE d.fqdn = known.fqdn)
                    AND EXISTS (SELECT 1 FROM change_log l WHERE l.fqdn = known.fqdn
                        AND l.action NOT IN (\(Action.listOfHolds)))
                    \(contents.hasHolds ? "OR \(isHeldAndMissing)" : "")))
            FROM known
            """, [.text(after), .number(Self.namesAtOnce)]
        ) { (last: try $0.textIfPresent(0), missing: try $0.textIfPresent(1)) }
        if let missing = page?.missing {
            let revision = try session.first(
                "SELECT max(revision) FROM change_log WHERE fqdn = $1", [.text(missing)]
            ) { try $0.revision(0) }
            note(.init(revision, "\(missing) is in the log and in no table"))
        }
        guard let last = page?.last else {
            return go(to: contents.hasTenants ? .tenants : .subjects)
        }
        after = last
    }

    private mutating func locationsAndTokens(_ session: some SQLSession) throws {
        let log = try session.rows(
            """
            SELECT subject, revision, after_detail FROM change_log
            WHERE subject IS NOT NULL AND action = 'location_changed'
            ORDER BY subject, revision, position
            """
        ) { row in
            LocationCheck.Line(
                name: try row.text(0), revision: try row.revision(1),
                after: try row.textIfPresent(2))
        }
        let table = try session.rows(Location.select(contents), [], Location.init(row:))
        for flaw in try LocationCheck(seeds: seeds).flaws(log: log, table: table) { note(flaw) }
        let missing = try session.rows(
            """
            SELECT c.subject, c.revision FROM change_log c
            WHERE c.subject IS NOT NULL AND c.action = 'token_created'
                AND NOT EXISTS (SELECT 1 FROM token t WHERE t.id = c.subject)
            ORDER BY c.subject LIMIT 100
            """
        ) { row in
            Verification.Flaw(
                try row.revision(1),
                "the token \(try row.text(0)) is in the log and not in its table")
        }
        for flaw in missing { note(flaw) }
    }
}

/// How a table's rows are compared with the log: SQL that gives only those that don't fit.
private struct Comparison: Sendable {
    let table: String
    let key: String
    /// The table's column, and what the log has for it.
    private let allColumns: @Sendable (SQLDialect) -> [(name: String, log: String)]
    /// Tables of the log, joined to `t`.
    let joins: @Sendable (SQLDialect) -> String
    let isInLog: String
    /// Whether its rows are counted by tenant.
    private(set) var hasTenants = false

    init(
        table: String, key: String,
        columns: @escaping @Sendable (SQLDialect) -> [(name: String, log: String)],
        joins: @escaping @Sendable (SQLDialect) -> String, isInLog: String,
        hasTenants: Bool = false
    ) {
        (self.table, self.key, allColumns) = (table, key, columns)
        (self.joins, self.isInLog, self.hasTenants) = (joins, isInLog, hasTenants)
    }

    private func columns(
        _ dialect: SQLDialect, _ contents: SchemaContents
    ) -> [(name: String, log: String)] {
        allColumns(dialect).filter { contents.hasFences || $0.name != "fence" }
    }

    var range: String {
        """
        SELECT count(*), max(name) FROM (SELECT \(key) AS name FROM \(table)
            WHERE \(key) > $1 ORDER BY \(key) LIMIT $2) AS page
        """
    }

    /// Two columns a comparison, after the name, the log's revision and whether it's in the log.
    func sql(_ dialect: SQLDialect, _ contents: SchemaContents) -> String {
        let columns = columns(dialect, contents)
        let values = columns.map { "CAST(t.\($0.name) AS text), CAST(\($0.log) AS text)" }
            .joined(separator: ", ")
        let differs = columns.map { "t.\($0.name) IS DISTINCT FROM \($0.log)" }
            .joined(separator: " OR ")
        return """
            SELECT t.\(key), coalesce(c.revision, 0), \(isInLog), \(values)
            FROM \(table) t \(joins(dialect))
            WHERE t.\(key) > $1 AND t.\(key) <= $2 AND (NOT (\(isInLog)) OR \(differs))
            """
    }

    func flaw(_ row: SQLRow, _ contents: SchemaContents) throws -> Verification.Flaw {
        let name = try row.text(0)
        guard try row.flag(2) else {
            return .init(
                try row.revision(1),
                "\(name) is in the table \(table), and by the log it shouldn't be")
        }
        let names = columns(.sqlite, contents).map(\.name)
        let differences = try names.indices.compactMap { index -> String? in
            let stored = try row.textIfPresent(3 + 2 * index)
            let logged = try row.textIfPresent(4 + 2 * index)
            guard stored != logged else { return nil }
            return
                "\(names[index]) is \(stored ?? "NULL"), and by the log \(logged ?? "NULL")"
        }
        return .init(
            try row.revision(1),
            "\(name) in the table \(table): \(differences.joined(separator: ", "))"
        )
    }

    /// `c` is the last change of the name, `r` its revision.
    ///
    /// - Parameter bound: a further condition on the line `l`.
    private static func lastChange(_ dialect: SQLDialect, _ bound: String = "") -> String {
        """
        \(dialect.lastLine(of: "t.fqdn", bound))
        LEFT JOIN revision_log r ON r.revision = c.revision
        """
    }

    /// - Parameter placement: what the log's names for it begin with.
    private static func columns(
        _ placement: String, _ at: String
    ) -> [(name: String, log: String)] {
        Placement.names().map { ($0, "c.\(placement)\($0)") } + [
            ("revision", "c.revision"), ("registered_at", "c.registered_at"), (at, "r.at"),
        ]
    }

    static let live = Comparison(
        table: "domain", key: "fqdn", columns: { _ in columns("after_", "changed_at") },
        joins: { lastChange($0) }, isInLog: "c.after_location IS NOT NULL", hasTenants: true)

    /// A name that was released may have been held since.
    static let released = Comparison(
        table: "released_domain", key: "fqdn", columns: { _ in columns("before_", "released_at") },
        joins: { lastChange($0, "AND l.action NOT IN (\(Action.listOfHolds))") },
        isInLog: "c.revision IS NOT NULL AND c.after_location IS NULL")

    /// `c` is the last line of the name.
    static let held = Comparison(
        table: "held_domain", key: "fqdn",
        columns: { dialect in
            let detail = { (key: String) in dialect.field(key, of: "c.after_detail") }
            let number = { (key: String) in "CAST(\(detail(key)) AS bigint)" }
            let flags = ["wants_location", "allow_nested", "allow_split"]
            let flag = dialect == .sqlite ? "bigint" : "boolean"
            return Placement.names().map { ($0, detail($0)) } + [
                ("revision", "c.revision"), ("registered_at", "c.registered_at"),
                ("held_until", number("held_until")), ("holder", detail("holder")),
            ] + flags.map { ($0, "CAST(\(detail($0)) AS \(flag))") }
        },
        joins: { $0.lastLine(of: "t.fqdn") }, isInLog: "c.after_detail IS NOT NULL")

    /// `c` made the token, `v` revoked it.
    static let tokens = Comparison(
        table: "token", key: "id",
        columns: { dialect in
            let detail = { (key: String) in dialect.field(key, of: "c.after_detail") }
            return [
                ("name", detail("name")), ("role", detail("role")),
                ("expires_at", "CAST(\(detail("expires_at")) AS bigint)"), ("created_at", "r.at"),
                ("revoked_at", "vr.at"),
            ]
        },
        joins: { _ in
            """
            LEFT JOIN change_log c ON c.subject = t.id AND c.action = 'token_created'
            LEFT JOIN revision_log r ON r.revision = c.revision
            LEFT JOIN change_log v ON v.subject = t.id AND v.action = 'token_revoked'
            LEFT JOIN revision_log vr ON vr.revision = v.revision
            """
        }, isInLog: "c.revision IS NOT NULL")
}
