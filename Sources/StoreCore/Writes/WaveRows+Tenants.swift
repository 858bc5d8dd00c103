import RegistryLedger
import RegistryModel

// How a step keeps tenants together: it's asked of the tenants whose rows it has changed, by `moved_tenant`, which `apply`
// has filled, and by the count of each tenant's places, so that a tenant of a hundred thousand names costs what one row does.

extension WaveRows {
    /// `MigrationTransaction.strangers`.
    package func strangers(
        appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        let source = SQLValue.text(move.expected.location.text)
        switch move.action {
        case .frozen, .moved:
            // What has moved isn't counted at the source any more; what has frozen is.
            let rest = move.action == .frozen ? "p.domains > t.domains" : "p.domains > 0"
            return try strangers(
                """
                FROM moved_tenant AS t
                JOIN tenant_place p ON p.tenant = t.tenant AND p.location = $1 AND \(rest)
                """, [source],
                found: """
                    SELECT d.fqdn, d.location, d.mode
                    FROM suspect CROSS JOIN domain d
                    WHERE d.tenant = suspect.tenant AND d.location = $1 AND d.revision <> $2
                    """, [.number(revision.number)], limit: limit)
        case .rolledBack:
            guard let since = move.since else { return ([], 0) }
            return try strangers(
                """
                FROM moved_tenant AS t
                JOIN tenant_place p ON p.tenant = t.tenant AND p.location <> $1
                """, [.text(move.result.location.text)],
                // A tenant that was in two places before the cutover is so again. What has come since, or has become
                // this tenant's since, isn't parted from it.
                found: """
                    SELECT d.fqdn, d.location, d.mode FROM suspect CROSS JOIN domain d
                    WHERE d.tenant = suspect.tenant AND d.location <> $1 AND d.revision > $2
                    UNION ALL
                    SELECT c.fqdn, c.before_location, c.before_mode
                    FROM change_log c JOIN suspect ON suspect.tenant = c.before_tenant
                    WHERE c.revision = $3 AND EXISTS (SELECT 1 FROM change_log x
                        WHERE x.fqdn = c.fqdn AND x.revision > $2 AND x.revision < $3)
                    """, [.number(since.number), .number(revision.number)], limit: limit)
        default: return ([], 0)
        }
    }

    private func strangers(
        _ suspects: String, _ values: [SQLValue], found: String, _ more: [SQLValue] = [], limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        guard try session.exists("SELECT 1 \(suspects) LIMIT 1", values) else { return ([], 0) }
        return try newDomains(
            "WITH suspect AS (SELECT DISTINCT t.tenant \(suspects)), found AS (\(found))",
            values + more, limit: limit)
    }

    /// - Parameter found: defines `found`: name, location and mode of domains.
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
                found: .init(location: try row.location(1), mode: try row.word(2)))
        }
        return (rows, total)
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

    /// Notes the tenants that a rollback which may leave rows leaves whole: those with a row that it can't change, and
    /// those that it would part from what has changed since the cutover.
    ///
    /// - Returns: the condition on a row `d` that it's of none of them.
    func holdDividedTenants() throws -> String {
        guard mayHoldTenants, let since = move.since else { return "" }
        try session.run(
            """
            CREATE TEMP TABLE IF NOT EXISTS held_tenant (tenant \(session.dialect.text) PRIMARY KEY,
                is_divided boolean NOT NULL) \(session.dialect.untilCommit)
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
            INSERT INTO held_tenant (tenant, is_divided)
            SELECT DISTINCT d.tenant, false \(rows) AND NOT \(isExpected)
            """, values)
        try session.run(
            """
            INSERT INTO held_tenant (tenant, is_divided)
            SELECT r.tenant, true FROM (
                SELECT d.tenant, count(*) AS names \(rows) AND \(isExpected) GROUP BY d.tenant) AS r
            WHERE r.names < (SELECT sum(p.domains) FROM tenant_place p
                    WHERE p.tenant = r.tenant AND p.location <> $5)
                AND EXISTS (SELECT 1 FROM domain o
                    WHERE o.tenant = r.tenant AND o.location <> $5 AND o.revision > $6)
            ON CONFLICT (tenant) DO UPDATE SET is_divided = true
            """,
            values + [.text(move.result.location.text), .number(since.number)])
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
                SELECT o.fqdn, o.location, o.mode FROM held_tenant h CROSS JOIN domain o
                WHERE h.is_divided AND o.tenant = h.tenant AND o.location <> $5 AND o.revision > $6
                    AND NOT EXISTS (SELECT 1 FROM migration_domain m CROSS JOIN domain d
                        WHERE m.migration = $1 AND m.position BETWEEN $2 AND $3 AND m.fqdn = o.fqdn
                            AND d.fqdn = o.fqdn AND NOT \(try isExpected(at: "$4"))))
            """,
            self.rows + [
                .text(move.expected.location.text), .text(move.result.location.text),
                .number(since.number),
            ], limit: limit)
    }
}
