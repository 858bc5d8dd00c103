import RegistryLedger
import RegistryModel

extension PlanStage {
    /// The same where a tenant moves whole: each selected name brings its tenant's others that are at the source, all of
    /// a tenant stand side by side where the first of them stood, and none of them is in where one can't be.
    ///
    /// - Parameter selected: how many names are in the selection.
    /// - Returns: how many there are with those that came along.
    func sortOutTenants(_ plan: MigrationPlan, _ selected: Int) throws -> Int {
        let from = SQLValue.text(plan.from.text)
        try session.run(
            """
            INSERT INTO plan_found (position, fqdn, mode, registered_at, code, tenant)
            SELECT n.position, n.fqdn, d.mode, d.registered_at, \(Self.code),
                CASE WHEN NOT n.is_again THEN d.tenant END
            FROM plan_name n LEFT JOIN domain d ON d.fqdn = n.fqdn
            """, [from])
        try session.run(
            """
            INSERT INTO plan_tenant (tenant, position, names)
            SELECT tenant, min(position), count(*) FILTER (
                WHERE code IS NULL OR code = 'in-another-migration')
            FROM plan_found WHERE tenant IS NOT NULL GROUP BY tenant
            """, [])
        try gatherStatistics(of: "plan_found", selected)
        try gatherStatistics(of: "plan_tenant", selected)
        let brought = try bringOthers(of: plan, after: selected)
        try leaveOutDivided(plan)
        try session.run(
            """
            INSERT INTO plan_row (position, fqdn, mode, registered_at, code, unit)
            SELECT row_number() OVER (ORDER BY unit, position), fqdn, mode, registered_at, code, unit
            FROM (SELECT f.position, f.fqdn, f.mode, f.registered_at, f.code,
                    coalesce(t.position, f.position) AS unit
                FROM plan_found f LEFT JOIN plan_tenant t ON t.tenant = f.tenant) AS found
            ORDER BY unit, position
            """, [])
        return selected + brought
    }

    /// Only tenants that have more domains at the source than the selection has of them are looked through.
    private func bringOthers(of plan: MigrationPlan, after selected: Int) throws -> Int {
        try session.run(
            """
            INSERT INTO plan_found (position, fqdn, mode, registered_at, code, tenant)
            SELECT row_number() OVER (ORDER BY lacking.position, d.fqdn) + $2, d.fqdn, d.mode,
                d.registered_at, CASE WHEN \(Self.isSpokenFor) THEN 'in-another-migration' END,
                d.tenant
            FROM (SELECT t.tenant, t.position FROM plan_tenant t
                JOIN tenant_place p ON p.tenant = t.tenant AND p.location = $1
                WHERE p.domains > t.names) AS lacking
            CROSS JOIN domain d LEFT JOIN plan_found f ON f.fqdn = d.fqdn
            WHERE d.tenant = lacking.tenant AND d.location = $1 AND f.fqdn IS NULL
            """, [.text(plan.from.text), .number(selected)])
    }

    /// A tenant that would still be in two places moves as little as one that is spoken for in part.
    private func leaveOutDivided(_ plan: MigrationPlan) throws {
        let isNeedless =
            try !session.exists("SELECT 1 FROM split_tenant LIMIT 1")
            && !session.exists(
                "SELECT 1 FROM plan_found WHERE code = 'in-another-migration' LIMIT 1")
        guard !isNeedless else { return }
        try session.run(
            """
            UPDATE plan_found SET code = 'tenant-not-whole'
            WHERE code IS NULL AND tenant IN (
                SELECT tenant FROM plan_found
                WHERE code = 'in-another-migration' AND tenant IS NOT NULL
                UNION ALL
                SELECT p.tenant FROM split_tenant s JOIN tenant_place p ON p.tenant = s.tenant
                WHERE p.location <> $1 AND p.location <> $2)
            """, [.text(plan.from.text), .text(plan.to.text)])
    }

    /// `PlanningTransaction.stagedTenantSizes`.
    package func tenantSizes() throws -> [Int]? {
        // All rows have one, or none has.
        let hasUnits = try session.first("SELECT unit FROM plan_row LIMIT 1") { !$0.isNull(0) }
        guard hasUnits == true else { return nil }
        var sizes: [Int] = []
        var last: Int64?
        try session.stream("SELECT unit FROM plan_row WHERE code IS NULL ORDER BY position", []) {
            let unit = try $0.number(0)
            if unit == last { sizes[sizes.count - 1] += 1 } else { sizes.append(1) }
            last = unit
        }
        return sizes
    }
}
