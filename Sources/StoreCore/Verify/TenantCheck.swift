import RegistryModel

/// Compares where tenants' domains are counted to be with where they are: by that count a name may go somewhere or not.
struct TenantCheck<Session: SQLSession> {
    let session: Session

    /// Tenants in one read. A large one makes it long: each of its domains is looked at.
    private static var tenantsAtOnce: Int { 200 }

    /// Domains of a page that no count holds.
    func uncounted(after: String, through last: String) throws -> [Verification.Flaw] {
        try session.rows(
            """
            SELECT d.fqdn FROM domain d
            WHERE d.fqdn > $1 AND d.fqdn <= $2 AND d.tenant IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM tenant_place p
                WHERE p.tenant = d.tenant AND p.location = d.location)
            """, [.text(after), .text(last)]
        ) { .init(nil, "\(try $0.text(0)) isn't counted in the table tenant_place") }
    }

    /// Counts that aren't right, and marks of split tenants, from one tenant on.
    ///
    /// - Returns: the last tenant that was looked at; nil behind the last one.
    func places(after: String) throws -> (flaws: [Verification.Flaw], last: String?) {
        let last = try session.first(
            """
            SELECT max(tenant) FROM (SELECT DISTINCT tenant FROM tenant_place
                WHERE tenant > $1 ORDER BY tenant LIMIT $2) AS page
            """, [.text(after), .number(Self.tenantsAtOnce)]
        ) { try $0.textIfPresent(0) }
        let page = [SQLValue.text(after), .text((last ?? nil) ?? TenantQuery.behindTexts)]
        let counts: [Verification.Flaw] = try session.rows(
            """
            SELECT tenant, location, domains, counted FROM (
                SELECT p.tenant, p.location, p.domains, (SELECT count(*) FROM domain d
                    WHERE d.tenant = p.tenant AND d.location = p.location) AS counted
                FROM tenant_place p WHERE p.tenant > $1 AND p.tenant <= $2) AS place
            WHERE domains <> counted ORDER BY tenant, location
            """, page
        ) { row in
            .init(
                nil,
                "the tenant \(try row.text(0)) has \(try row.integer(3)) domains at \(try row.text(1)), and \(try row.integer(2)) in the table tenant_place"
            )
        }
        let marks: [Verification.Flaw] = try session.rows(
            """
            SELECT tenant FROM (
                SELECT tenant, 1 AS places, 0 AS mark FROM tenant_place
                WHERE tenant > $1 AND tenant <= $2
                UNION ALL
                SELECT tenant, 0, 1 FROM split_tenant WHERE tenant > $1 AND tenant <= $2) AS known
            GROUP BY tenant HAVING (sum(places) > 1) <> (sum(mark) = 1) ORDER BY tenant
            """, page
        ) { .init(nil, "the tenant \(try $0.text(0)) isn't rightly told split or whole") }
        return (counts + marks, last ?? nil)
    }
}
