import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// The past, read from the log. It doesn't change, so that reading it needs no one transaction: each
// of these reads a part at a time, and never holds up a checkpoint for long.

extension SQLiteStore {
    public func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain? {
        try await reading(.quick) { db in
            try Head.read(db).check(revision)
            return try Domain.read(db, fqdn.text, at: revision)
        }
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
        let (head, locations) = try await reading(.walk) { db in
            (try Head.read(db, at: revision), try Location.readAll(db, at: revision))
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

    mutating func advance(_ db: Database, _ budget: inout StepBudget) throws {
        try Head.read(db).check(revision)
        for fqdn in fqdns[found.count...] {
            found.append(try Domain.read(db, fqdn.text, at: revision))
            budget.take(1)
            if budget.isSpent { return }
        }
    }
}

extension Domain {
    /// One step in an index, and two rows.
    static func read(
        _ db: Database, _ fqdn: String, at revision: Revision
    ) throws -> Domain? {
        let row = try Row.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT c.revision, c.after_location, c.after_mode, c.after_tenant, c.registered_at, r.at
                    FROM change_log c JOIN revision_log r ON r.revision = c.revision
                    WHERE c.fqdn = ? AND c.revision <= ?
                    ORDER BY c.revision DESC, c.position DESC LIMIT 1
                    """), arguments: [fqdn, revision.number])
        guard let row, let placement = Placement(row: row, from: 1) else { return nil }
        return Domain(
            fqdn: FQDN(canonical: fqdn), placement: placement, revision: Revision(row[0]),
            registeredAt: Timestamp(milliseconds: row[4]),
            changedAt: Timestamp(milliseconds: row[5]))
    }
}

extension Location {
    /// The locations as of a revision, by name. Those that the first schema came with have no line in
    /// the log until they change: before their first change they were what it says they were before.
    fileprivate static func readAll(_ db: Database, at revision: Revision) throws -> [Location] {
        var found: [LocationName: Location] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT * FROM location WHERE revision = 0") {
            let location = Location(row: row)
            found[location.name] = location
        }
        // Newest first, so that what stands in the end is the oldest change after `revision`, and
        // then what the ones up to it made.
        let later = try changes(
            db, "f.revision > ? ORDER BY f.revision DESC, c.position DESC", revision)
        for (name, before, _, _) in later {
            found[name] = before.map { Location(name: name, settings: $0, revision: .zero) }
        }
        let earlier = try changes(
            db, "f.revision <= ? ORDER BY f.revision, c.position", revision)
        for (name, _, after, changed) in earlier {
            found[name] = after.map { Location(name: name, settings: $0, revision: changed) }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    private typealias SettingsChange = (
        name: LocationName, before: LocationSettings?, after: LocationSettings?, at: Revision
    )

    private static func changes(
        _ db: Database, _ condition: StaticString, _ revision: Revision
    ) throws -> [SettingsChange] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT c.revision, c.subject, c.before_detail, c.after_detail
                FROM revision_facet f CROSS JOIN change_log c ON c.revision = f.revision
                WHERE f.facet = 'action:location_changed' AND c.action = 'location_changed'
                    AND \(condition)
                """, arguments: [revision.number]
        ).map { row in
            (
                LocationName(canonical: row["subject"]), try ChangeRow.value(row["before_detail"]),
                try ChangeRow.value(row["after_detail"]), Revision(row["revision"])
            )
        }
    }
}

extension Head {
    /// The head as it was right after a revision. Of the empty log, its time is zero.
    static func read(_ db: Database, at asked: Revision) throws -> Head {
        let head = try Head.read(db)
        try head.check(asked)
        let row = try Row.fetchOne(
            db, sql: "SELECT epoch, digest, at FROM revision_log WHERE revision = ?",
            arguments: [asked.number])
        guard let row else {
            return Head(
                epoch: head.epoch, revision: .zero, digest: RevisionDigest.genesis,
                at: Timestamp(milliseconds: 0))
        }
        let digest: Data = row["digest"]
        return Head(
            epoch: Epoch(row["epoch"]), revision: asked, digest: Array(digest),
            at: Timestamp(milliseconds: row["at"]))
    }
}
