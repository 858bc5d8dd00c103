import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// The past, read from the log. It doesn't change, so that reading it needs no one transaction: each
// of these reads a part at a time, and never holds up a checkpoint for long.

extension SQLiteStore {
    public func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain? {
        try await reading { db in
            try Head.read(db).check(revision)
            return try Domain.read(db, fqdn.text, at: revision)
        }
    }

    public func domains(
        _ fqdns: [FQDN], at revision: Revision
    ) async throws(RegistryError) -> [Domain?] {
        var found: [Domain?] = []
        repeat {
            found += try await reading { [range = found.count..<fqdns.count] db in
                try Head.read(db).check(revision)
                return try fqdns[range].prefix(NamesAsOf.atOnce).map {
                    try Domain.read(db, $0.text, at: revision)
                }
            }
        } while found.count < fqdns.count
        return found
    }

    public func domains(
        _ query: DomainQuery, at revision: Revision
    ) async throws(RegistryError) -> Page<Domain> {
        guard !query.isOfEverything else {
            return try await everyDomain(after: query.after, limit: query.limit, at: revision)
        }
        var names = NamesAsOf(query, revision)
        repeat {
            names = try await reading { [names] db in
                var names = names
                try Head.read(db).check(revision)
                try names.advance(db)
                return names
            }
        } while !names.isDone
        let hasMore = names.found.count > query.limit
        if hasMore { names.found.removeLast() }
        return Page(items: names.found, hasMore: hasMore)
    }

    private func everyDomain(
        after: FQDN?, limit: Int, at revision: Revision
    ) async throws(RegistryError) -> Page<Domain> {
        var names = CurrentNames(after: after, at: revision)
        // One more tells whether there is a next page.
        let wanted = limit == .max ? limit : limit + 1
        repeat {
            names = try await reading { [names] db in
                var names = names
                try Head.read(db).check(revision)
                try names.advance(db, limit: wanted) { name in
                    try Domain.read(db, name, at: revision)
                }
                return names
            }
        } while !names.isDone
        let hasMore = names.found.count > limit
        if hasMore { names.found.removeLast() }
        return Page(items: names.found, hasMore: hasMore)
    }

    public func snapshot(
        at revision: Revision, _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        let (head, locations) = try await reading { db in
            (try Head.read(db, at: revision), try Location.readAll(db, at: revision))
        }
        receive(.locations(locations))
        var names = NamesAsOf(DomainQuery(limit: .max), revision)
        repeat {
            names = try await reading { [names] db in
                var names = names
                names.found.removeAll(keepingCapacity: true)
                try names.advance(db)
                return names
            }
            receive(.domains(names.found))
        } while !names.isDone
        return head
    }
}

/// Every name that the log knows, in order, and those that were live at a revision.
///
/// From one name to the next, and from a name to its last change, are one step each in the same
/// index: how many changes lie between doesn't matter.
private struct NamesAsOf: Sendable {
    let query: DomainQuery
    let revision: Revision
    var found: [Domain] = []
    private(set) var isDone = false
    private var last: String?

    /// Names in one transaction: some 20 ms.
    static let atOnce = 2_000

    init(_ query: DomainQuery, _ revision: Revision) {
        self.query = query
        self.revision = revision
        last = query.after?.text
    }

    /// Looks at some more names, until there is one domain more than the page takes.
    mutating func advance(_ db: Database) throws {
        for _ in 0..<Self.atOnce {
            guard let name = try next(db) else { return isDone = true }
            last = name
            guard let domain = try Domain.read(db, name, at: revision), query.takes(domain) else {
                continue
            }
            found.append(domain)
            guard found.count <= query.limit else { return isDone = true }
        }
    }

    private func next(_ db: Database) throws -> String? {
        let prefix = query.prefix ?? ""
        let start = max(last ?? "", prefix)
        return try String.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT fqdn FROM change_log
                    WHERE fqdn \(start == last ? ">" : ">=") ? AND fqdn < ? ORDER BY fqdn LIMIT 1
                    """),
            // The octet after `z`, the highest that a name can hold.
            arguments: [start, prefix + "{"])
    }
}

extension DomainQuery {
    fileprivate var isOfEverything: Bool {
        location == nil && mode == nil && tenant == nil && prefix == nil && suffix == nil
    }
}

extension Domain {
    /// One step in an index, and two rows.
    fileprivate static func read(
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
