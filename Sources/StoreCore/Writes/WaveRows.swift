import RegistryLedger
import RegistryModel

/// A wave's rows, set-based: a handful of statements whatever the wave's size.
package struct WaveRows<Session: SQLSession> {
    let session: Session
    let move: WaveMove
    /// Migration, first and last position: `$1`, `$2`, `$3`.
    let rows: [SQLValue]

    /// Rows in one answer: what lies in memory at once.
    private static var rowsAtOnce: Int { 10_000 }

    package init(_ move: WaveMove, _ session: Session) throws {
        let rows = try session.first(
            """
            SELECT w.migration, w.first_position, w.first_position + w.size - 1
            FROM migration g JOIN wave w ON w.migration = g.number WHERE g.id = $1 AND w.number = $2
            """, [.text(move.migration), .number(move.wave)]
        ) { row in
            try (0..<3).map { SQLValue.number(try row.number($0)) }
        }
        guard let rows else { throw RegistryError.inconsistent }
        (self.session, self.move, self.rows) = (session, move, rows)
    }

    /// `MigrationTransaction.apply`.
    package func apply(revision: Revision, at: Timestamp, from position: Int) throws -> Int {
        // Counting takes SQLite longer than writing the line.
        let place =
            move.mayLeaveRows
            ? "\(session.dialect.rowNumber("m.position")) - 1" : "m.position - $2"
        let together = try holdTenants()
        return try session.withoutRowChecks {
            let written = try session.run(
                """
                INSERT INTO change_log (revision, position, action, fqdn,
                    \((Placement.names("before_") + Placement.names("after_")).listed), registered_at)
                SELECT $4, \(place) + $5, $6, d.fqdn, \(Placement.names("d.").listed),
                    \(Self.result(move.result, at: "$7").listed), d.registered_at
                FROM migration_domain m CROSS JOIN domain d
                WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3 AND d.fqdn = m.fqdn
                    AND \(try isExpected(at: "$8")) \(together)
                ORDER BY m.position
                """,
                rows + [
                    .number(revision.number), .number(position), .text(move.action.rawValue),
                    .text(move.result.location.text), .text(move.expected.location.text),
                ])
            let changed = try session.applyLines(of: revision, from: position, at: at)
            guard changed == written else { throw RegistryError.inconsistent }
            if isMove || move.wholeTenants && move.action == .frozen,
                try Tenant.sumUp(revision, session), isMove
            {
                try Tenant.recountMoved(session)
            }
            return written
        }
    }

    var isMove: Bool { move.expected.location != move.result.location }

    /// Whether another wave holds a row; nil: nearly always nothing is frozen when a wave is rolled back, and then no row
    /// pays for the question.
    private func isFrozen() throws -> String? {
        guard move.leavesFrozen, try session.exists(WaveName.anyFrozen(session.dialect)) else {
            return nil
        }
        return """
            EXISTS (SELECT 1 FROM migration_domain o
                JOIN wave w ON w.migration = o.migration AND w.number = o.wave
                WHERE o.fqdn = m.fqdn AND o.wave IS NOT NULL AND w.state = 'frozen')
            """
    }

    /// The condition that a domain `d` is as the step expects its row `m`.
    ///
    /// - Parameter location: the place of the value of `move.expected.location`.
    func isExpected(at location: String) throws -> String {
        let unfrozen = try isFrozen().map { " AND NOT \($0)" } ?? ""
        return """
            (d.location = \(location) AND \(Self.hasMode(move.expected))
                AND d.registered_at = m.registered_at\(unfrozen))
            """
    }

    /// What a row's placement becomes: a wave changes its location and its mode.
    private static func result(_ place: WaveMove.Place, at location: String) -> [String] {
        Placement.names().map { name in
            switch name {
            case "location": location
            case "mode": mode(place)
            case "fence": place.fence.map { "'\($0.rawValue)'" } ?? "NULL"
            default: "d.\(name)"
            }
        }
    }

    /// What a row's mode is at a place.
    private static func mode(_ place: WaveMove.Place) -> String {
        let own = "coalesce(m.own_mode, m.mode)"
        switch place.mode {
        case .own: return own
        case .any: return "coalesce(d.mode, \(own))"
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
    private static func hasMode(_ place: WaveMove.Place) -> String {
        // What was moved away and back isn't announced any more.
        let fence = place.fence.map { " AND d.fence = '\($0.rawValue)'" } ?? ""
        guard case .frozen(let freeze) = place.mode else {
            return "d.mode = \(mode(place))\(fence)"
        }
        // What an older version has frozen is in the freeze's mode, also where its own one was stricter.
        return "d.mode IN (\(mode(place)), '\(freeze.rawValue)')"
    }

    /// `MigrationTransaction.conflicts`.
    package func conflicts(
        appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let isLeft = "\(Self.isLeft) AND \(try isExpected(at: "$5")) IS NOT TRUE"
        let values =
            rows + [.number(revision.number), .text(move.expected.location.text)]
        let total = try session.count("SELECT count(*) \(isLeft)", values)
        guard total > 0 else { return ([], 0) }
        let found = try session.rows(
            """
            SELECT m.fqdn, \(Self.mode(move.expected)),
                d.registered_at IS NOT DISTINCT FROM m.registered_at, d.location, d.mode,
                \(try isFrozen() ?? "false")
            \(isLeft) ORDER BY m.position LIMIT $6
            """, values + [.number(limit)]
        ) { row in
            WaveConflict(
                fqdn: try row.name(0),
                expected: .init(location: move.expected.location, mode: try row.word(1)),
                found: try row.flag(2)
                    ? .init(location: try row.location(3), mode: try row.word(4)) : nil,
                isFrozen: try row.flag(5))
        }
        return (found, total)
    }

    /// The wave's rows that a revision hasn't changed: `$4`.
    private static var isLeft: String {
        """
        FROM migration_domain m LEFT JOIN domain d ON d.fqdn = m.fqdn
        WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3 AND d.revision IS DISTINCT FROM $4
        """
    }

    /// `MigrationTransaction.leaveRows`.
    package func leaveRows(
        appliedAt revision: Revision, limit: Int
    ) throws -> (names: [FQDN], total: Int) {
        let values = rows + [.number(revision.number)]
        let names = try session.rows(
            "SELECT m.fqdn \(Self.isLeft) ORDER BY m.position LIMIT $5", values + [.number(limit)]
        ) { try $0.name(0) }
        let total = try session.run(
            """
            UPDATE migration_domain SET stayed = true
            WHERE migration = $1 AND position BETWEEN $2 AND $3
                AND NOT EXISTS (SELECT 1 FROM domain d
                    WHERE d.fqdn = migration_domain.fqdn AND d.revision = $4)
            """, values)
        return (names, total)
    }

    /// `MigrationTransaction.readBack`.
    package static func readBack(
        _ revision: Revision, at: Timestamp, into digest: inout RevisionDigest, _ session: Session
    ) throws -> [RevisionChanges.DomainChange] {
        var changes: [RevisionChanges.DomainChange] = []
        var placements = PlacementReader()
        let (fqdn, after) = (1 + ChangeRow.fqdn, 1 + ChangeRow.after)
        let registeredAt = 1 + ChangeRow.registeredAt
        var next = 0
        while true {
            var count = 0
            try session.forEach(
                """
                SELECT position, \(ChangeRow.columns.listed) FROM change_log
                WHERE revision = $1 AND position >= $2 ORDER BY position LIMIT $3
                """, [.number(revision.number), .number(next), .number(rowsAtOnce)]
            ) { row in
                count += 1
                next = try row.integer(0) + 1
                digest.add { row.add(change: 1, to: &$0) }
                guard !row.isNull(fqdn), !row.isNull(after) else { return }
                changes.append(
                    .set(
                        Domain(
                            fqdn: try row.name(fqdn),
                            placement: try placements.placement(row, from: after),
                            revision: revision, registeredAt: try row.time(registeredAt),
                            changedAt: at)))
            }
            guard count == rowsAtOnce else { return changes }
        }
    }
}
