import RegistryLedger
import RegistryModel

extension HeldDomain {
    package static let columnNames =
        [
            "fqdn", "revision", "registered_at", "held_until", "holder", "wants_location",
            "allow_nested", "allow_split",
        ] + Placement.names()
    package static let columns = columnNames.listed
    package static let byName = "SELECT \(columns) FROM held_domain WHERE fqdn = $1"

    package init(row: SQLRow) throws {
        self.init(
            fqdn: try row.name(0), placement: try row.placement(from: 8),
            revision: try row.revision(1), heldAt: try row.time(2), heldUntil: try row.time(3),
            holder: try row.text(4), wantsLocation: try row.flag(5), allowsNested: try row.flag(6),
            allowsSplit: try row.flag(7))
    }

    /// The first that are over, by their end.
    package static func due(
        at now: Timestamp, limit: Int, _ session: some SQLSession
    ) throws -> [HeldDomain] {
        try session.rows(
            """
            SELECT \(columns) FROM held_domain WHERE held_until <= $1
            ORDER BY held_until, fqdn LIMIT $2
            """, [.number(now.milliseconds), .number(limit)], HeldDomain.init(row:))
    }
}

extension SQLStore {
    package func holds(
        _ query: DomainQuery
    ) async throws(RegistryError) -> Read<Page<HeldDomain>> {
        // A hold lasts a day at most: there are few beside the domains, and one statement looks at them all.
        var filter = SQLFilter()
        // The plus keeps the index of ends out of it: names come by name.
        filter.add("+held_until > \(Session.dialect.time(filter.bind(timeValue)))")
        filter.add("fqdn > ?", query.after?.text ?? "")
        filter.add(prefix: query.filter.prefix)
        filter.add(query.filter)
        return try await page(
            "SELECT \(HeldDomain.columns) FROM held_domain \(filter.clause) ORDER BY fqdn", filter,
            limit: query.limit
        ) { try HeldDomain(row: $0) }
    }

    package func areHoldsDue() async throws(RegistryError) -> Bool {
        let now = timeValue
        return try await asking(.own) { session in
            try session.exists(
                """
                SELECT 1 FROM held_domain WHERE held_until <= \(Session.dialect.time("$1")) LIMIT 1
                """, [now])
        }
    }
}
