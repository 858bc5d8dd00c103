import RegistryLedger
import RegistryModel

// What is so now.

extension SQLStore {
    package func head() async throws(RegistryError) -> Head {
        try await asking(.quick) { try Head.read($0) }
    }

    package func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed? {
        try await asking(.own) { session in
            try IdempotencyRecord.read(session, token: key.token, key: key.key)?
                .replay(of: key, at: try time(session))
        }
    }

    package func revision(at time: Timestamp) async throws(RegistryError) -> Revision {
        try await asking(.quick) { session in
            try session.first(
                """
                SELECT revision FROM revision_log WHERE at <= $1
                ORDER BY at DESC, revision DESC LIMIT 1
                """, [.number(time.milliseconds)]
            ) { try $0.revision(0) } ?? .zero
        }
    }

    package func standing(of fqdn: FQDN) async throws(RegistryError) -> Read<NameStanding> {
        try await reading(.own) { session in
            let revision = try Head.read(session).revision
            let names = NameReads(session: session)
            guard try names.domain(fqdn) == nil else { return Read(.live, at: revision) }
            let now = try time(session)
            if let held = try names.held(fqdn), !held.isOver(at: now) {
                return Read(.held(until: held.heldUntil), at: revision)
            }
            if let released = try names.released(fqdn), released.availableAt > now {
                return Read(.quarantined(until: released.availableAt), at: revision)
            }
            let nest = Entanglement(names: names, suffixes: suffixes, now: now)
            let other = try nest.other(than: fqdn, of: nil)
            return Read(other.map { .entangled(with: $0) } ?? .free, at: revision)
        }
    }

    package func defaultLocation() async throws(RegistryError) -> Location? {
        try await asking(.own) { session in
            try session.first(
                Location.selectDefault(session.dialect), [], Location.init(row:))
        }
    }

    package func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>> {
        try await list(DomainWalk(query))
    }

    package func list(
        _ walk: DomainWalk<Session>
    ) async throws(RegistryError) -> Read<Page<Domain>> {
        try await walking(walk, isPage: walk.query.limit <= ReadLanes.pageSize).page()
    }

    package func locations(
        after: LocationName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<Location>> {
        var filter = SQLFilter()
        filter.add("name > ?", after?.text)
        return try await page(
            "\(Location.select) \(filter.clause) ORDER BY name", filter, limit: limit
        ) { try Location(row: $0) }
    }

    package func location(_ name: LocationName) async throws(RegistryError) -> Read<Location?> {
        try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            return Read(try Location.read(session, name), at: revision)
        }
    }

    package func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        var filter = SQLFilter()
        filter.add("t.id > ?", after)
        filter.add("t.revoked_at IS NULL")
        return try await page(
            "\(TokenRecord.selectLive(Session.dialect)) \(filter.clause) ORDER BY t.id", filter,
            limit: limit
        ) { try TokenRecord(row: $0) }
    }

    package func clocks() async throws(RegistryError) -> StoreClocks {
        try await asking(.own) { session in
            let stamp = try Head.read(session).at
            return StoreClocks(stamp: stamp, now: try time(session))
        }
    }
}

/// What the store has of names, beside all that a writer has yet to send.
package struct NameReads<Session: SQLSession>: NameReader {
    private let session: Session

    package init(session: Session) {
        self.session = session
    }

    package func domain(_ fqdn: FQDN) throws -> Domain? {
        try session.first(Domain.byName, [.text(fqdn.text)], Domain.init(row:))
    }

    package func released(_ fqdn: FQDN) throws -> ReleasedDomain? {
        try session.first(ReleasedDomain.byName, [.text(fqdn.text)], ReleasedDomain.init(row:))
    }

    package func held(_ fqdn: FQDN) throws -> HeldDomain? {
        try session.first(HeldDomain.byName, [.text(fqdn.text)], HeldDomain.init(row:))
    }

    package func expect(_ names: [FQDN]) {}

    /// The first name of a range that is another tenant's: the range's bounds, the tenant, and the time.
    package static var firstName: String {
        """
        SELECT t.fqdn FROM name_tree t
        LEFT JOIN domain d ON d.fqdn = t.fqdn LEFT JOIN released_domain r ON r.fqdn = t.fqdn
        LEFT JOIN held_domain h ON h.fqdn = t.fqdn
        WHERE t.key > $1 AND t.key < $2 AND (
            (d.fqdn IS NOT NULL AND (d.tenant = $3) IS NOT TRUE)
            OR (r.available_at > $4 AND (r.tenant = $3) IS NOT TRUE)
            OR (h.held_until > $4 AND (h.tenant = $3) IS NOT TRUE))
        ORDER BY t.key LIMIT 1
        """
    }

    package func first(
        in range: NameRange, notOf tenant: String?, at now: Timestamp
    ) throws -> FQDN? {
        try session.first(
            Self.firstName,
            [.text(range.after), .text(range.end), .text(tenant), .number(now.milliseconds)]
        ) { try $0.name(0) }
    }
}
