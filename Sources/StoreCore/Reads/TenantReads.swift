import RegistryLedger
import RegistryModel

extension SQLStore {
    package func tenant(
        _ name: String, after: FQDN?, limit: Int
    ) async throws(RegistryError) -> Read<TenantPage?> {
        try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            let places = try Tenant.places(of: name, session)
            guard !places.isEmpty else { return Read(nil, at: revision) }
            var domains = try session.rows(
                """
                SELECT \(Domain.columns) FROM domain WHERE tenant = $1 AND fqdn > $2
                ORDER BY fqdn LIMIT $3
                """, [.text(name), .text(after?.text ?? ""), .number(limit + 1)],
                Domain.init(row:))
            let hasMore = domains.count > limit
            if hasMore { domains.removeLast() }
            return Read(
                TenantPage(
                    tenant: Tenant(name: name, places: places),
                    domains: Page(items: domains, hasMore: hasMore)), at: revision)
        }
    }

    package func tenants(
        _ query: TenantQuery
    ) async throws(RegistryError) -> Read<Page<Tenant>> {
        var filter = SQLFilter()
        filter.add("t.tenant > ?", query.after)
        if let prefix = query.prefix {
            filter.add("t.tenant >= ?", prefix)
            filter.add("t.tenant < ?", prefix + TenantQuery.behindTexts)
        }
        let table: String
        if query.isSplit == true {
            table = "split_tenant t"
            if let location = query.location {
                let place = filter.bind(.text(location.text))
                filter.add(
                    """
                    EXISTS (SELECT 1 FROM tenant_place p
                        WHERE p.tenant = t.tenant AND p.location = \(place))
                    """)
            }
        } else {
            table = "tenant_place t"
            filter.add("t.location = ?", query.location?.text)
            if query.isSplit == false {
                filter.add("NOT EXISTS (SELECT 1 FROM split_tenant s WHERE s.tenant = t.tenant)")
            }
        }
        let clause = filter.clause
        let limit = filter.bind(.number(query.limit + 1))
        let values = filter.values
        return try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            let names = try session.rows(
                "SELECT DISTINCT t.tenant FROM \(table) \(clause) ORDER BY t.tenant LIMIT \(limit)",
                values
            ) { try $0.text(0) }
            let rows = try session.rows(
                Tenant.placesByNames(session.dialect), [.texts(names)]
            ) { (try $0.text(0), try $0.location(1), try $0.integer(2)) }
            var places: [TenantKey: [LocationName: Int]] = [:]
            for (name, location, count) in rows {
                places[TenantKey(name), default: [:]][location] = count
            }
            var tenants = places.sorted { $0.key < $1.key }.map {
                Tenant(name: $0.key.name, places: $0.value)
            }
            let hasMore = tenants.count > query.limit
            if hasMore { tenants.removeLast() }
            return Read(Page(items: tenants, hasMore: hasMore), at: revision)
        }
    }

    package func splitTenantCount() async throws(RegistryError) -> Int {
        try await asking(.quick) { try $0.count("SELECT count(*) FROM split_tenant") }
    }
}

extension TenantQuery {
    /// Behind every text that begins alike: no text has this character.
    static let behindTexts = "\u{10FFFF}"
}

extension Tenant {
    /// Of the tenants `$1`. PostgreSQL would read the whole table for a page, unless it's told to look each of them up.
    fileprivate static func placesByNames(_ dialect: SQLDialect) -> String {
        let asked = dialect.texts("$1", as: "asked")
        return switch dialect {
        case .sqlite:
            """
            SELECT p.tenant, p.location, p.domains
            FROM \(asked) CROSS JOIN tenant_place p WHERE p.tenant = asked.value
            """
        case .postgres:
            """
            SELECT asked.value, p.location, p.domains FROM \(asked)
            CROSS JOIN LATERAL (SELECT location, domains FROM tenant_place
                WHERE tenant = asked.value OFFSET 0) AS p
            """
        }
    }
}
