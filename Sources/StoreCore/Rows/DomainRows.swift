import RegistryLedger
import RegistryModel

// How the model's values are read from rows, by the places of the columns that `columns` names. A placement comes last.

extension Domain {
    package static let columnNames =
        ["fqdn", "revision", "registered_at", "changed_at"] + Placement.names()
    package static let columns = columnNames.listed
    package static let byName = "SELECT \(columns) FROM domain WHERE fqdn = $1"
    /// What a change writes; whose it is comes behind.
    package static let changingNames = ["revision", "changed_at"] + Placement.names()

    package init(row: SQLRow) throws {
        var placements = PlacementReader()
        try self.init(row, &placements)
    }

    private init(_ row: SQLRow, _ placements: inout PlacementReader) throws {
        self.init(
            fqdn: try row.name(0), placement: try placements.placement(row, from: 4),
            revision: try row.revision(1), registeredAt: try row.time(2),
            changedAt: try row.time(3))
    }

    /// Many of those that there are.
    ///
    /// - Parameter rest: what follows the name of the table.
    static func rows(
        _ session: some SQLSession, _ rest: String, _ values: [SQLValue]
    ) throws -> [Domain] {
        var placements = PlacementReader()
        return try session.rows("SELECT \(columns) FROM domain \(rest)", values) {
            try Domain($0, &placements)
        }
    }

    /// As of a revision, from the last lines of the log until then; in the order of the names. Nil for those that
    /// weren't there.
    package static func read(
        _ session: some SQLSession, _ names: [FQDN], at revision: Revision
    ) throws -> [Domain?] {
        let asked = session.dialect.texts("$1", as: "asked")
        let found = try session.rows(
            """
            SELECT c.fqdn, c.revision, c.registered_at, r.at, \(Placement.names("c.after_").listed)
            FROM \(asked) \(session.dialect.lastLine(of: "asked.value", "AND l.revision <= $2"))
            JOIN revision_log r ON r.revision = c.revision WHERE c.after_location IS NOT NULL
            """, [.texts(Set(names).map(\.text)), .number(revision.number)], Domain.init(row:))
        let byName = Dictionary(uniqueKeysWithValues: found.map { ($0.fqdn, $0) })
        return names.map { byName[$0] }
    }
}

extension SQLDialect {
    /// Joins `c`, the last line of the log about a name, and nothing where there is none.
    ///
    /// SQLite has no LATERAL, and finds the line by the key that the index of names gives. PostgreSQL sees no key in that.
    ///
    /// - Parameters:
    ///   - name: a column of what it's joined to.
    ///   - bound: a further condition on the line `l`.
    func lastLine(of name: String, _ bound: String = "") -> String {
        let last = """
            FROM change_log l WHERE l.fqdn = \(name) \(bound)
            ORDER BY l.revision DESC, l.position DESC LIMIT 1
            """
        return switch self {
        case .sqlite:
            """
            LEFT JOIN change_log c ON (c.revision, c.position) = (SELECT l.revision, l.position \(last))
            """
        case .postgres: "LEFT JOIN LATERAL (SELECT * \(last)) AS c ON true"
        }
    }
}

extension ReleasedDomain {
    package static let columnNames =
        ["fqdn", "revision", "registered_at", "released_at", "available_at"] + Placement.names()
    package static let columns = columnNames.listed
    package static let byName = "SELECT \(columns) FROM released_domain WHERE fqdn = $1"

    package init(row: SQLRow) throws {
        self.init(
            fqdn: try row.name(0), placement: try row.placement(from: 5),
            revision: try row.revision(1), registeredAt: try row.time(2),
            releasedAt: try row.time(3), availableAt: try row.time(4))
    }
}

extension Location {
    package static let columns =
        "name, upstream, accepts_signups, default_for_signups, revision, dns"
    package static let select = "SELECT \(columns) FROM location"
    package static let byName = "\(select) WHERE name = $1"

    package init(row: SQLRow) throws {
        self.init(
            name: try row.location(0),
            settings: LocationSettings(
                upstream: UpstreamURL(canonical: try row.text(1)),
                acceptsSignups: try row.flag(2), isDefaultForSignups: try row.flag(3),
                dns: try Self.dns(row, 5)),
            revision: try row.revision(4))
    }

    private static func dns(_ row: SQLRow, _ column: Int) throws -> DNSTargets? {
        do {
            return try ChangeRow.value(row.textIfPresent(column))
        } catch is DecodingError {
            throw UnreadableValue(column: column, expected: "what the DNS leads to")
        }
    }

    /// All of them, as a store of an older release may have them too.
    package static func select(_ contents: SchemaContents) -> String {
        contents.hasDNS ? select : select.replacing("dns", with: "NULL")
    }

    package static func selectDefault(_ dialect: SQLDialect) -> String {
        "\(select) WHERE \(dialect.isSet("default_for_signups"))"
    }

    package static func read(
        _ session: some SQLSession, _ name: LocationName
    ) throws -> Location? {
        try session.first(byName, [.text(name.text)], Location.init(row:))
    }

    /// The locations as of a revision, by name. Those that the first schema came with have no line in the log until
    /// they change: before their first change they were what it says they were before.
    package static func all(
        _ session: some SQLSession, at revision: Revision
    ) throws -> [Location] {
        let seeds = try session.rows("\(select) WHERE revision = 0", [], Location.init(row:))
        var found = Dictionary(uniqueKeysWithValues: seeds.map { ($0.name, $0) })
        let changes = try session.rows(
            """
            SELECT c.revision, c.subject, c.before_detail, c.after_detail
            FROM revision_facet f CROSS JOIN change_log c
            WHERE f.facet = 'action:location_changed' AND c.revision = f.revision
                AND c.action = 'location_changed'
            ORDER BY c.revision, c.position
            """
        ) { row in
            (
                revision: try row.revision(0), name: try row.location(1),
                before: try ChangeRow.value(row.textIfPresent(2)) as LocationSettings?,
                after: try ChangeRow.value(row.textIfPresent(3)) as LocationSettings?
            )
        }
        // Newest first, so that what stands in the end is the oldest change after `revision`, and then what the ones
        // up to it made.
        for change in changes.reversed() where change.revision > revision {
            found[change.name] = change.before.map {
                Location(name: change.name, settings: $0, revision: .zero)
            }
        }
        for change in changes where change.revision <= revision {
            found[change.name] = change.after.map {
                Location(name: change.name, settings: $0, revision: change.revision)
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }
}
