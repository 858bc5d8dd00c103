import RegistryLedger
import RegistryModel

// How a step keeps tenants together: it's asked of the tenants whose rows it has changed, by `moved_tenant`, which `apply`
// has filled, and by the count of each tenant's places, so that a tenant of a hundred thousand names costs what one row does.

extension WaveRows {
    /// `MigrationTransaction.strangers`.
    package func strangers(
        appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        if move.wholeTenants {
            let parted = try parted(appliedAt: revision, limit: limit)
            if parted.total > 0 { return parted }
        }
        guard isMove, try isAnyFrozenThere() else { return ([], 0) }
        return try newDomains(
            """
            WITH found AS (SELECT d.fqdn, d.location, d.mode, 'frozen' AS reason
                FROM (SELECT DISTINCT tenant FROM moved_tenant) AS t
                CROSS JOIN \(frozenThere(of: "t.tenant", at: 1)))
            """, frozenThere, limit: limit)
    }

    /// Domains that the step has parted tenants from.
    private func parted(
        appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let source = SQLValue.text(move.expected.location.text)
        switch move.action {
        case .frozen, .moved:
            // What has moved isn't counted at the source any more; what has frozen is.
            let rest = move.action == .frozen ? "p.domains > t.domains" : "p.domains > 0"
            return try parted(
                """
                FROM moved_tenant AS t
                JOIN tenant_place p ON p.tenant = t.tenant AND p.location = $1 AND \(rest)
                """, [source],
                found: """
                    SELECT d.fqdn, d.location, d.mode, 'new' AS reason
                    FROM suspect CROSS JOIN domain d
                    WHERE d.tenant = suspect.tenant AND d.location = $1 AND d.revision <> $2
                    """, [.number(revision.number)], limit: limit)
        case .rolledBack:
            guard let since = move.since else { return ([], 0) }
            return try parted(
                """
                FROM moved_tenant AS t
                JOIN tenant_place p ON p.tenant = t.tenant AND p.location <> $1
                """, [.text(move.result.location.text)],
                // A tenant that was in two places before the cutover is so again. What has come since, or has become
                // this tenant's since, isn't parted from it.
                found: """
                    SELECT d.fqdn, d.location, d.mode, 'new' AS reason
                    FROM suspect CROSS JOIN domain d
                    WHERE d.tenant = suspect.tenant AND d.location <> $1
                        AND \(Self.hasCome("d", since: "$2"))
                    UNION ALL
                    SELECT c.fqdn, c.before_location, c.before_mode, 'new'
                    FROM change_log c JOIN suspect ON suspect.tenant = c.before_tenant
                    WHERE c.revision = $3 AND EXISTS (SELECT 1 FROM change_log x
                        WHERE x.fqdn = c.fqdn AND x.revision = (SELECT min(y.revision)
                                FROM change_log y WHERE y.fqdn = c.fqdn AND y.revision > $2)
                            AND x.before_tenant IS DISTINCT FROM c.before_tenant)
                    """, [.number(since.number), .number(revision.number)], limit: limit)
        default: return ([], 0)
        }
    }

    private func parted(
        _ suspects: String, _ values: [SQLValue], found: String, _ more: [SQLValue] = [], limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        guard try session.exists("SELECT 1 \(suspects) LIMIT 1", values) else { return ([], 0) }
        return try newDomains(
            "WITH suspect AS (SELECT DISTINCT t.tenant \(suspects)), found AS (\(found))",
            values + more, limit: limit)
    }

    /// - Parameter found: defines `found`: name, location and mode of domains, and the reason.
    private func newDomains(
        _ found: String, _ values: [SQLValue], limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let total = try session.count("\(found) SELECT count(*) FROM found", values)
        guard total > 0 else { return ([], 0) }
        let rows = try session.rows(
            "\(found) SELECT * FROM found ORDER BY fqdn LIMIT $\(values.count + 1)",
            values + [.number(limit)]
        ) { row in
            WaveConflict(
                fqdn: try row.name(0), expected: nil,
                found: .init(location: try row.location(1), mode: try row.word(2)),
                reason: try row.word(3))
        }
        return (rows, total)
    }

    /// The condition that a domain has come to its tenant, or to where it is, since a revision: what it was then is what it
    /// was before its first change after.
    private static func hasCome(_ domain: String, since: String) -> String {
        """
        (\(domain).revision > \(since) AND NOT EXISTS (SELECT 1 FROM change_log x
            WHERE x.fqdn = \(domain).fqdn AND x.revision = (SELECT min(y.revision)
                    FROM change_log y WHERE y.fqdn = \(domain).fqdn AND y.revision > \(since))
                AND x.before_tenant = \(domain).tenant AND x.before_location = \(domain).location))
        """
    }

    // MARK: What is frozen where the step goes

    /// A tenant that a wave holds frozen gets no names there: they'd be missing from what is being copied. Nearly always
    /// nothing is frozen there: then nobody pays for the question.
    private func isAnyFrozenThere() throws -> Bool {
        try session.exists(
            """
            SELECT 1 FROM \(WaveName.frozen(session.dialect))
            WHERE w.state = 'frozen' AND g.from_location = $1
                AND NOT (w.migration = $2 AND w.number = $3) LIMIT 1
            """, frozenThere)
    }

    /// Domains `d` of a tenant's that another wave, of whole tenants, holds where the step goes.
    ///
    /// - Parameters:
    ///   - tenant: a column.
    ///   - place: of `frozenThere`'s first value.
    private func frozenThere(of tenant: String, at place: Int) -> String {
        """
        domain d WHERE d.tenant = \(tenant) AND d.location = $\(place) AND EXISTS (
            SELECT 1 FROM migration_domain m
            JOIN wave w ON w.migration = m.migration AND w.number = m.wave AND w.state = 'frozen'
            JOIN migration g ON g.number = m.migration AND \(session.dialect.isSet("g.whole_tenants"))
            WHERE m.fqdn = d.fqdn AND m.wave IS NOT NULL
                AND NOT (m.migration = $\(place + 1) AND m.wave = $\(place + 2)))
        """
    }

    private var frozenThere: [SQLValue] {
        [.text(move.result.location.text), rows[0], .number(move.wave)]
    }

    /// `MigrationTransaction.hasSplit`.
    package func hasSplit() throws -> Bool {
        guard isMove else { return false }
        // What is counted there by now and has moved just now is all that there is.
        return try session.exists(
            """
            SELECT 1 FROM moved_tenant t
            JOIN tenant_place rest ON rest.tenant = t.tenant
                AND rest.location = t.before_location AND rest.domains > 0
            JOIN tenant_place come ON come.tenant = t.tenant
                AND come.location = t.after_location AND come.domains = t.domains
            LIMIT 1
            """)
    }

    // MARK: Rollbacks that leave rows

    private var mayHoldTenants: Bool {
        move.wholeTenants && move.mayLeaveRows && move.action == .rolledBack
    }

    /// Notes the tenants that a rollback which may leave rows leaves whole: those with a row that it can't change, those
    /// that it would part from what has come since the cutover, and those that another wave holds where they'd go.
    ///
    /// - Returns: the condition on a row `d` that it's of none of them.
    func holdTenants() throws -> String {
        guard mayHoldTenants, let since = move.since else { return "" }
        try session.run(
            """
            CREATE TEMP TABLE IF NOT EXISTS held_tenant (tenant \(session.dialect.text) PRIMARY KEY,
                is_divided boolean NOT NULL, is_frozen boolean NOT NULL) \(session.dialect.untilCommit)
            """, [])
        try session.run("DELETE FROM held_tenant", [])
        guard try session.exists(Tenant.anyPlace) else { return "" }
        let rows = """
            FROM migration_domain m CROSS JOIN domain d
            WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3 AND d.fqdn = m.fqdn
                AND d.tenant IS NOT NULL
            """
        let isExpected = try isExpected(at: "$4")
        let values = self.rows + [.text(move.expected.location.text)]
        try session.run(
            """
            INSERT INTO held_tenant (tenant, is_divided, is_frozen)
            SELECT DISTINCT d.tenant, false, false \(rows) AND NOT \(isExpected)
            """, values)
        let tenants =
            "SELECT d.tenant, count(*) AS names \(rows) AND \(isExpected) GROUP BY d.tenant"
        try session.run(
            """
            INSERT INTO held_tenant (tenant, is_divided, is_frozen)
            SELECT r.tenant, true, false FROM (\(tenants)) AS r
            WHERE r.names < (SELECT sum(p.domains) FROM tenant_place p
                    WHERE p.tenant = r.tenant AND p.location <> $5)
                AND EXISTS (SELECT 1 FROM domain o WHERE o.tenant = r.tenant AND o.location <> $5
                    AND \(Self.hasCome("o", since: "$6")))
            ON CONFLICT (tenant) DO UPDATE SET is_divided = true
            """,
            values + [.text(move.result.location.text), .number(since.number)])
        if try isAnyFrozenThere() {
            try session.run(
                """
                INSERT INTO held_tenant (tenant, is_divided, is_frozen)
                SELECT r.tenant, false, true FROM (\(tenants)) AS r
                WHERE EXISTS (SELECT 1 FROM \(frozenThere(of: "r.tenant", at: 5)))
                ON CONFLICT (tenant) DO UPDATE SET is_frozen = true
                """, values + frozenThere)
        }
        return """
            AND (d.tenant IS NULL
                OR NOT EXISTS (SELECT 1 FROM held_tenant h WHERE h.tenant = d.tenant))
            """
    }

    /// `MigrationTransaction.dividing`.
    package func dividing(limit: Int) throws -> (rows: [WaveConflict], total: Int) {
        guard mayHoldTenants, let since = move.since else { return ([], 0) }
        return try newDomains(
            """
            WITH found AS (
                SELECT o.fqdn, o.location, o.mode, 'new' AS reason
                FROM held_tenant h CROSS JOIN domain o
                WHERE h.is_divided AND o.tenant = h.tenant AND o.location <> $5
                    AND \(Self.hasCome("o", since: "$8"))
                    AND NOT EXISTS (SELECT 1 FROM migration_domain m CROSS JOIN domain d
                        WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3 AND m.fqdn = o.fqdn
                            AND d.fqdn = o.fqdn AND NOT \(try isExpected(at: "$4")))
                UNION ALL
                SELECT d.fqdn, d.location, d.mode, 'frozen'
                FROM held_tenant h CROSS JOIN \(frozenThere(of: "h.tenant", at: 5)) AND h.is_frozen)
            """,
            self.rows + [.text(move.expected.location.text)] + frozenThere
                + [.number(since.number)], limit: limit)
    }
}
