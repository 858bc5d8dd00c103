import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// A wave's rows, set-based: a handful of statements whatever the wave's size.

extension SQLiteTransaction {
    /// Where the rows of a wave are.
    private func rows(of move: WaveMove) throws -> StatementArguments {
        let range = try row(
            """
            SELECT w.migration, w.first_position, w.first_position + w.size - 1 AS last_position
            FROM migration g JOIN wave w ON w.migration = g.number WHERE g.id = ? AND w.number = ?
            """, [move.migration, move.wave])
        guard let range else { throw RegistryError.inconsistent }
        let values: [Int64] = [
            range["migration"], range["first_position"], range["last_position"],
        ]
        return ["migration": values[0], "first": values[1], "last": values[2]]
    }

    func apply(
        _ move: WaveMove, revision: Revision, at: Timestamp, from position: Int
    ) throws -> Int {
        let rows = try rows(of: move)
        // Counting takes SQLite longer than writing the line.
        let place = move.mayLeaveRows ? "row_number() OVER () - 1" : "m.position - :first"
        return try withoutRowChecks {
            try run(
                """
                INSERT INTO change_log (revision, position, action, fqdn, before_location,
                    before_mode, before_tenant, after_location, after_mode, after_tenant,
                    registered_at)
                SELECT :revision, \(place) + :position, :action, d.fqdn, d.location,
                    d.mode, d.tenant, :location, \(Self.mode(move.result)), d.tenant,
                    d.registered_at
                FROM migration_domain m CROSS JOIN domain d ON d.fqdn = m.fqdn
                WHERE m.migration = :migration AND m.position BETWEEN :first AND :last
                    AND d.location = :source AND \(Self.isExpected(move.expected))
                    AND d.registered_at = m.registered_at \(try Self.unfrozen(move, db))
                ORDER BY m.position
                """,
                rows + [
                    "revision": revision.number, "position": position,
                    "action": move.action.rawValue, "location": move.result.location.text,
                    "source": move.expected.location.text,
                ])
            let count = db.changesCount
            // By what the log has just got: those rows, and no others.
            try run(
                """
                UPDATE domain SET location = c.after_location, mode = c.after_mode,
                    revision = c.revision, changed_at = :at
                FROM change_log c
                WHERE c.revision = :revision AND c.position >= :position AND domain.fqdn = c.fqdn
                """,
                [
                    "at": at.milliseconds, "revision": revision.number, "position": position,
                ])
            guard db.changesCount == count else { throw RegistryError.inconsistent }
            return count
        }
    }

    /// Nearly always nothing is frozen when a wave is rolled back: then no row pays for the question.
    private static func unfrozen(_ move: WaveMove, _ db: Database) throws -> String {
        let anyFrozen = "SELECT 1 FROM wave WHERE state = 'frozen'"
        guard move.leavesFrozen, try Row.fetchOne(db, sql: anyFrozen) != nil else { return "" }
        return """
            AND NOT EXISTS (SELECT 1 FROM migration_domain o
                JOIN wave w ON w.migration = o.migration AND w.number = o.wave
                WHERE o.fqdn = m.fqdn AND o.wave IS NOT NULL AND w.state = 'frozen')
            """
    }

    /// What a row's mode is at a place.
    private static func mode(_ place: WaveMove.Place) -> String {
        let own = "coalesce(m.own_mode, m.mode)"
        switch place.mode {
        case .own: return own
        case .frozen(let freeze):
            // A mode's name is this module's own text, without quotes in it.
            let stricter = Mode.allCases.filter { $0 > freeze }.map { "'\($0.rawValue)'" }
            guard !stricter.isEmpty else { return "'\(freeze.rawValue)'" }
            return """
                (CASE WHEN \(own) IN (\(stricter.joined(separator: ", "))) THEN \(own)
                    ELSE '\(freeze.rawValue)' END)
                """
        }
    }

    /// Whether a row's mode is as a step expects it.
    private static func isExpected(_ place: WaveMove.Place) -> String {
        guard case .frozen(let freeze) = place.mode else { return "d.mode = \(mode(place))" }
        // What an older version has frozen is in the freeze's mode, also where its own one was stricter.
        return "d.mode IN (\(mode(place)), '\(freeze.rawValue)')"
    }

    /// Runs statements that copy values from rows which have passed the same checks: a dozen checks
    /// for each of a million rows cost more than the rows. Types, keys and triggers count all the
    /// same.
    private func withoutRowChecks<Value>(_ body: () throws -> Value) throws -> Value {
        try db.execute(sql: "PRAGMA ignore_check_constraints = 1")
        let result = Result(catching: body)
        try db.execute(sql: "PRAGMA ignore_check_constraints = 0")
        return try result.get()
    }

    func conflicts(
        with move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let conditions = """
            FROM migration_domain m LEFT JOIN domain d ON d.fqdn = m.fqdn
            WHERE m.migration = :migration AND m.position BETWEEN :first AND :last
                AND d.revision IS NOT :revision
            """
        let arguments = try rows(of: move) + ["revision": revision.number]
        let total =
            try Int.fetchOne(db, sql: "SELECT count(*) \(conditions)", arguments: arguments) ?? 0
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT m.fqdn, \(Self.mode(move.expected)) AS mode, d.location AS found_location,
                    d.mode AS found_mode, d.registered_at IS m.registered_at AS is_same
                \(conditions) ORDER BY m.position LIMIT :limit
                """, arguments: arguments + ["limit": limit])
        let conflicts = rows.map { row in
            let isSame: Bool = row["is_same"]
            let found = isSame ? WaveConflict.Place(row["found_location"], row["found_mode"]) : nil
            return WaveConflict(
                fqdn: FQDN(canonical: row["fqdn"]),
                expected: .init(
                    location: move.expected.location,
                    mode: Mode(rawValue: row["mode"]) ?? .reject),
                found: found)
        }
        return (conflicts, total)
    }

    func markConflicts(with move: WaveMove, appliedAt revision: Revision) throws {
        try run(
            """
            UPDATE migration_domain SET stayed = 1
            WHERE migration = :migration AND position BETWEEN :first AND :last
                AND NOT EXISTS (SELECT 1 FROM domain d
                    WHERE d.fqdn = migration_domain.fqdn AND d.revision = :revision)
            """, try rows(of: move) + ["revision": revision.number])
    }

    func readBack(
        _ revision: Revision, at: Timestamp, into digest: inout RevisionDigest
    ) throws -> [RevisionChanges.DomainChange] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT action, fqdn, before_location, before_mode, before_tenant, after_location,
                    after_mode, after_tenant, registered_at, subject, before_detail, after_detail
                FROM change_log WHERE revision = ? ORDER BY position
                """)
        var changes: [RevisionChanges.DomainChange] = []
        var placements = PlacementCache()
        try RawStatement(statement, in: db).forEach {
            $0.number(revision.number)
        } _: { row in
            digest.add { row.add(fields: 0..<Int32(RevisionDigest.fieldsPerChange), to: &$0) }
            guard !row.isNull(1), !row.isNull(5) else { return }
            changes.append(
                .set(
                    Domain(
                        fqdn: FQDN(canonical: row.text(1)),
                        placement: placements.placement(of: row),
                        revision: revision, registeredAt: Timestamp(milliseconds: row.number(8)),
                        changedAt: at)))
        }
        return changes
    }
}

/// A wave's rows are nearly all at one place: its text is made once.
private struct PlacementCache {
    private var last: (location: String, mode: String, placement: Placement)?

    mutating func placement(of row: RawRow) -> Placement {
        let (location, mode) = (row.text(5), row.text(6))
        if let last, last.location == location, last.mode == mode {
            var placement = last.placement
            placement.tenant = row.textIfPresent(7)
            return placement
        }
        let placement = Placement(
            location: LocationName(canonical: location), mode: Mode(rawValue: mode) ?? .reject,
            tenant: row.textIfPresent(7))
        last = (location, mode, placement)
        return placement
    }
}

extension WaveConflict.Place {
    /// `nil` where there's no row.
    fileprivate init?(_ location: String?, _ mode: String?) {
        guard let location, let mode else { return nil }
        self.init(
            location: LocationName(canonical: location), mode: Mode(rawValue: mode) ?? .reject)
    }
}
