import RegistryLedger
import RegistryModel

// The past, read from the log. It doesn't change, so that reading it needs no one transaction.

extension PostgresStore {
    public func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain? {
        try await domains([fqdn], at: revision)[0]
    }

    public func domains(
        _ fqdns: [FQDN], at revision: Revision
    ) async throws(RegistryError) -> [Domain?] {
        try await walking(
            NamesWalk(fqdns, at: revision), isPage: fqdns.count <= ReadLanes.pageSize
        ).found
    }

    public func domains(
        _ query: DomainQuery, at revision: Revision
    ) async throws(RegistryError) -> Page<Domain> {
        try await list(DomainWalk(query, at: revision)).value
    }

    public func snapshot(
        at revision: Revision, _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        let (head, locations) = try await reading(.walk) { connection in
            (try Head.read(connection, at: revision), try Location.all(connection, at: revision))
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
}

/// Many names as of a revision, in the order of asking.
struct NamesWalk: ReadWalk {
    let fqdns: [FQDN]
    let revision: Revision
    private(set) var found: [Domain?] = []

    init(_ fqdns: [FQDN], at revision: Revision) {
        (self.fqdns, self.revision) = (fqdns, revision)
    }

    var isDone: Bool { found.count == fqdns.count }

    mutating func advance(
        _ connection: PostgresConnection, _ budget: inout StepBudget
    ) throws {
        try Head.read(connection).check(revision)
        let names = Array(fqdns[found.count...].prefix(max(1, budget.rows)))
        guard !names.isEmpty else { return }
        found += try Domain.read(connection, names, at: revision)
        budget.take(names.count)
    }
}

extension Domain {
    /// Of each name its last change up to the revision, along the index; in the order of the names.
    static func read(
        _ connection: PostgresConnection, _ names: [FQDN], at revision: Revision
    ) throws -> [Domain?] {
        let found = try connection.query(
            """
            SELECT n.fqdn, c.after_location, c.after_mode, c.after_tenant, c.revision,
                c.registered_at, r.at
            FROM (SELECT DISTINCT fqdn FROM unnest($1) AS n (fqdn)) AS n
            CROSS JOIN LATERAL (SELECT * FROM change_log l
                WHERE l.fqdn = n.fqdn AND l.revision <= $2
                ORDER BY l.revision DESC, l.position DESC LIMIT 1) AS c
            CROSS JOIN LATERAL (SELECT at FROM revision_log h WHERE h.revision = c.revision) AS r
            WHERE c.after_location IS NOT NULL
            """, [.names(names), .number(revision.number)]
        ).map(Domain.init(row:))
        let byName = Dictionary(uniqueKeysWithValues: found.map { ($0.fqdn, $0) })
        return names.map { byName[$0] }
    }
}

extension Location {
    /// The locations as of a revision, by name. Those that the first schema came with have no line in
    /// the log until they change: before their first change they were what it says they were before.
    fileprivate static func all(
        _ connection: PostgresConnection, at revision: Revision
    ) throws -> [Location] {
        let seeds = try connection.query(
            "SELECT \(Location.columns) FROM location WHERE revision = 0"
        ).map(Location.init(row:))
        var found = Dictionary(uniqueKeysWithValues: seeds.map { ($0.name, $0) })
        let changes = try connection.query(
            """
            SELECT c.revision, c.subject, c.before_detail, c.after_detail
            FROM revision_facet f JOIN change_log c ON c.revision = f.revision
            WHERE f.facet = 'action:location_changed' AND c.action = 'location_changed'
            ORDER BY c.revision, c.position
            """)
        // Newest first, so that what stands in the end is the oldest change after `revision`, and
        // then what the ones up to it made.
        for index in (0..<changes.count).reversed() where changes[index].revision(0) > revision {
            let row = changes[index]
            let name = LocationName(canonical: row.text(1))
            let before: LocationSettings? = try ChangeRow.value(row.textIfPresent(2))
            found[name] = before.map { Location(name: name, settings: $0, revision: .zero) }
        }
        for index in 0..<changes.count where changes[index].revision(0) <= revision {
            let row = changes[index]
            let name = LocationName(canonical: row.text(1))
            let after: LocationSettings? = try ChangeRow.value(row.textIfPresent(3))
            found[name] = after.map {
                Location(name: name, settings: $0, revision: row.revision(0))
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }
}

extension Head {
    /// The head as it was right after a revision. Of the empty log, its time is zero.
    fileprivate static func read(
        _ connection: PostgresConnection, at asked: Revision
    ) throws -> Head {
        let head = try Head.read(connection)
        try head.check(asked)
        let row = try connection.query(
            "SELECT epoch, revision, digest, at FROM revision_log WHERE revision = $1",
            [.number(asked.number)]
        ).first
        guard let row else {
            return Head(
                epoch: head.epoch, revision: .zero, digest: RevisionDigest.genesis,
                at: Timestamp(milliseconds: 0))
        }
        return Head(row: row)
    }
}
