import RegistryLedger
import RegistryModel

// A wave's rows, set-based: a handful of statements whatever the wave's size.

extension PostgresTransaction {
    /// Where the rows of a wave are: migration, first and last position.
    private func rows(of move: WaveMove) throws -> [Parameter] {
        let range = try direct(
            """
            SELECT w.migration, w.first_position, w.first_position + w.size - 1
            FROM migration g JOIN wave w ON w.migration = g.number WHERE g.id = $1 AND w.number = $2
            """, [.text(move.migration), .number(Int64(move.wave))]
        ).first
        guard let range else { throw RegistryError.inconsistent }
        return (0..<3).map { .number(range.number(Int32($0))) }
    }

    func apply(
        _ move: WaveMove, revision: Revision, at: Timestamp, from position: Int
    ) throws -> Int {
        let place =
            move.mayLeaveRows ? "row_number() OVER (ORDER BY m.position) - 1" : "m.position - $2"
        let written = try direct(
            """
            INSERT INTO change_log (revision, position, action, fqdn, before_location, before_mode,
                before_tenant, after_location, after_mode, after_tenant, registered_at)
            SELECT $4, \(place) + $5, $6, d.fqdn, d.location, d.mode, d.tenant, $7,
                \(Self.mode(move.result)), d.tenant, d.registered_at
            FROM migration_domain m JOIN domain d ON d.fqdn = m.fqdn
            WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3
                AND d.location = $8 AND \(Self.isExpected(move.expected))
                AND d.registered_at = m.registered_at \(Self.unfrozen(move))
            ORDER BY m.position
            """,
            try rows(of: move) + [
                .number(revision.number), .number(Int64(position)), .text(move.action.rawValue),
                .text(move.result.location.text), .text(move.expected.location.text),
            ]
        ).changed
        // By what the log has just got: those rows, and no others.
        let changed = try direct(
            """
            UPDATE domain SET location = c.after_location, mode = c.after_mode,
                revision = c.revision, changed_at = $1
            FROM change_log c
            WHERE c.revision = $2 AND c.position >= $3 AND domain.fqdn = c.fqdn
            """,
            [.number(at.milliseconds), .number(revision.number), .number(Int64(position))]
        ).changed
        guard changed == written else { throw RegistryError.inconsistent }
        return written
    }

    private static func unfrozen(_ move: WaveMove) -> String {
        guard move.leavesFrozen else { return "" }
        return """
            AND NOT EXISTS (SELECT FROM migration_domain o
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

    func conflicts(
        with move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let conditions = """
            FROM migration_domain m LEFT JOIN domain d ON d.fqdn = m.fqdn
            WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3
                AND d.revision IS DISTINCT FROM $4
            """
        let parameters = try rows(of: move) + [.number(revision.number)]
        let total = try direct("SELECT count(*) \(conditions)", parameters).first?.integer(0) ?? 0
        let found = try direct(
            """
            SELECT m.fqdn, \(Self.mode(move.expected)), d.location, d.mode,
                d.registered_at IS NOT DISTINCT FROM m.registered_at
            \(conditions) ORDER BY m.position LIMIT $5
            """, parameters + [.number(Int64(limit))])
        let conflicts = found.map { row in
            WaveConflict(
                fqdn: FQDN(canonical: row.text(0)),
                expected: .init(
                    location: move.expected.location,
                    mode: Mode(rawValue: row.text(1)) ?? .reject),
                found: row.flag(4)
                    ? WaveConflict.Place(row.textIfPresent(2), row.textIfPresent(3)) : nil)
        }
        return (conflicts, total)
    }

    func markConflicts(with move: WaveMove, appliedAt revision: Revision) throws {
        try direct(
            """
            UPDATE migration_domain SET stayed = true
            WHERE migration = $1 AND position BETWEEN $2 AND $3
                AND NOT EXISTS (SELECT FROM domain d
                    WHERE d.fqdn = migration_domain.fqdn AND d.revision = $4)
            """, try rows(of: move) + [.number(revision.number)])
    }

    func readBack(
        _ revision: Revision, at: Timestamp, into digest: inout RevisionDigest
    ) throws -> [RevisionChanges.DomainChange] {
        var changes: [RevisionChanges.DomainChange] = []
        var next: Int64 = 0
        while true {
            let rows = try direct(
                """
                SELECT position, action, fqdn, before_location, before_mode, before_tenant,
                    after_location, after_mode, after_tenant, registered_at, subject,
                    before_detail, after_detail
                FROM change_log WHERE revision = $1 AND position >= $2 ORDER BY position LIMIT $3
                """, [.number(revision.number), .number(next), .number(Self.rowsAtOnce)])
            for index in 0..<rows.count {
                let row = rows[index]
                digest.add {
                    row.add(fields: 1..<Int32(1 + RevisionDigest.fieldsPerChange), to: &$0)
                }
                guard let name = row.textIfPresent(2), let after = Placement(row: row, from: 6)
                else { continue }
                changes.append(
                    .set(
                        Domain(
                            fqdn: FQDN(canonical: name), placement: after, revision: revision,
                            registeredAt: row.time(9), changedAt: at)))
            }
            guard rows.count == Int(Self.rowsAtOnce) else { return changes }
            next = rows[rows.count - 1].number(0) + 1
        }
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
