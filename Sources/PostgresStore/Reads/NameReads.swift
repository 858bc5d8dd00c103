import RegistryLedger
import RegistryModel

/// What the database has of names, beside all that writers have pending.
struct NameReads: NameReading {
    let connection: PostgresConnection

    func domain(_ fqdn: FQDN) throws -> Domain? {
        try connection.query(ReadAhead.domains, [.names([fqdn])]).first.map(Domain.init(row:))
    }

    func released(_ fqdn: FQDN) throws -> ReleasedDomain? {
        try connection.query(ReadAhead.released, [.names([fqdn])]).first
            .map(ReleasedDomain.init(row:))
    }

    func expect(_ names: [FQDN]) {}

    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN? {
        try connection.query(
            """
            SELECT t.fqdn FROM name_tree t
            LEFT JOIN domain d ON d.fqdn = t.fqdn LEFT JOIN released_domain r ON r.fqdn = t.fqdn
            WHERE t.key > $1 AND t.key < $2 AND (
                (d.fqdn IS NOT NULL AND (d.tenant = $3) IS NOT TRUE)
                OR (r.available_at > $4 AND (r.tenant = $3) IS NOT TRUE))
            ORDER BY t.key LIMIT 1
            """,
            [.text(range.after), .text(range.end), .text(tenant), .number(now.milliseconds)]
        ).first.map { FQDN(canonical: $0.text(0)) }
    }
}
