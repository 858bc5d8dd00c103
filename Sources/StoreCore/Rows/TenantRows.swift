import RegistryLedger
import RegistryModel

// Where tenants' domains are is counted in `tenant_place`. The schema itself notes which tenants are split, by the rows
// that come there and go.

extension Tenant {
    package static let placesByName =
        "SELECT location, domains FROM tenant_place WHERE tenant = $1 AND domains > 0"

    /// One of `placesByName`'s rows.
    package static func place(_ row: SQLRow) throws -> (location: LocationName, count: Int) {
        (try row.location(0), try row.integer(1))
    }

    package static func places(
        of tenant: String, _ session: some SQLSession
    ) throws -> [LocationName: Int] {
        Dictionary(
            uniqueKeysWithValues: try session.rows(placesByName, [.text(tenant)], place))
    }

    // One domain more or less, of a tenant at a place: `$1` and `$2`.
    package static let countOneMore = """
        INSERT INTO tenant_place (tenant, location, domains) VALUES ($1, $2, 1)
        ON CONFLICT (tenant, location) DO UPDATE SET domains = tenant_place.domains + 1
        """
    package static let countOneLess =
        "UPDATE tenant_place SET domains = domains - 1 WHERE tenant = $1 AND location = $2"

    /// SQLite 3.40 would walk the table, which is about as wide as the index (findings/sqlite-partial-index-of-narrow-table.sh).
    package static func clearEmptyPlaces(_ dialect: SQLDialect) -> String {
        "DELETE FROM tenant_place\(dialect.indexed(by: "tenant_place_empty")) WHERE domains = 0"
    }

    /// Sums up a revision's lines, which all go to one place, by tenant and the place before: `moved_tenant`.
    ///
    /// - Returns: whether there can be any.
    @discardableResult
    static func sumUp(_ revision: Revision, _ session: some SQLSession) throws -> Bool {
        let (text, number) = (session.dialect.text, session.dialect.number)
        try session.run(
            """
            CREATE TEMP TABLE IF NOT EXISTS moved_tenant (tenant \(text) NOT NULL,
                before_location \(text) NOT NULL, after_location \(text) NOT NULL,
                domains \(number) NOT NULL) \(session.dialect.untilCommit)
            """, [])
        try session.run("DELETE FROM moved_tenant", [])
        guard try session.exists(anyPlace) else { return false }
        try session.run(
            """
            INSERT INTO moved_tenant (tenant, before_location, after_location, domains)
            SELECT before_tenant, before_location, after_location, count(*) FROM change_log
            WHERE revision = $1 AND before_tenant IS NOT NULL
            GROUP BY before_tenant, before_location, after_location
            """, [.number(revision.number)])
        return true
    }

    /// Counts the domains that have moved. What goes goes first: a tenant that moves whole is never in two places
    /// meanwhile.
    static func recountMoved(_ session: some SQLSession) throws {
        try session.run(
            """
            UPDATE tenant_place SET domains = tenant_place.domains - gone.domains
            FROM moved_tenant AS gone
            WHERE gone.before_location <> gone.after_location
                AND tenant_place.tenant = gone.tenant AND tenant_place.location = gone.before_location
            """, [])
        try session.run(clearEmptyPlaces(session.dialect), [])
        try session.run(
            """
            INSERT INTO tenant_place (tenant, location, domains)
            SELECT tenant, after_location, sum(domains) FROM moved_tenant
            WHERE before_location <> after_location GROUP BY tenant, after_location
            ON CONFLICT (tenant, location)
                DO UPDATE SET domains = tenant_place.domains + excluded.domains
            """, [])
    }

    static let anyPlace = "SELECT 1 FROM tenant_place LIMIT 1"

    /// The tenant's first domain by name at a place, which stands for all of them there where they move together.
    ///
    /// - Parameters:
    ///   - tenant: a value or a column.
    ///   - location: a value or a column.
    static func firstDomain(of tenant: String, at location: String) -> String {
        """
        (SELECT d.fqdn FROM domain d WHERE d.tenant = \(tenant) AND d.location = \(location)
            ORDER BY d.fqdn LIMIT 1)
        """
    }
}

extension SQLTransaction {
    package func domains(
        of tenant: String, besides fqdn: FQDN, limit: Int
    ) throws -> [FQDN] {
        try session().rows(
            "SELECT fqdn FROM domain WHERE tenant = $1 AND fqdn <> $2 ORDER BY fqdn LIMIT $3",
            [.text(tenant), .text(fqdn.text), .number(limit)]
        ) { try $0.name(0) }
    }

    package func frozenDomain(of tenant: String) throws -> (fqdn: FQDN, wave: WaveName)? {
        let session = try session()
        // Nearly always nothing is frozen: then nobody looks through a tenant of a hundred thousand names.
        guard try session.exists(WaveName.anyFrozen(session.dialect)) else { return nil }
        return try session.first(
            """
            SELECT d.fqdn, g.id, w.number FROM domain d
            JOIN migration_domain m ON m.fqdn = d.fqdn AND m.wave IS NOT NULL
            JOIN wave w ON w.migration = m.migration AND w.number = m.wave AND w.state = 'frozen'
            JOIN migration g ON g.number = m.migration
            WHERE d.tenant = $1 ORDER BY d.fqdn LIMIT 1
            """, [.text(tenant)]
        ) { row in
            (try row.name(0), try WaveName(row: row, from: 1))
        }
    }

    package func setOwnModes(_ mode: Mode, ofTenant tenant: String) throws {
        let session = try session()
        guard try session.exists(WaveName.anyFrozen(session.dialect)) else { return }
        try session.run(
            """
            UPDATE migration_domain SET own_mode = $1
            WHERE fqdn IN (SELECT fqdn FROM domain WHERE tenant = $2) AND wave IS NOT NULL
                AND coalesce(own_mode, mode) <> $1 AND EXISTS (
                    SELECT 1 FROM wave w WHERE w.migration = migration_domain.migration
                        AND w.number = migration_domain.wave AND w.state = 'frozen')
            """, [.text(mode.rawValue), .text(tenant)])
    }

    package func apply(
        _ patch: TenantPatch, to tenant: String, revision: Revision, at: Timestamp
    ) throws -> Int {
        let session = try session()
        let isFrozen = try patch.mode != nil && session.exists(WaveName.anyFrozen(session.dialect))
        var values: [SQLValue] = [.number(revision.number), .text(tenant)]
        func place(_ value: String) -> String {
            values.append(.text(value))
            return "$\(values.count)"
        }
        let location = patch.location.map { place($0.text) } ?? "d.location"
        let own = patch.mode.map { place($0.rawValue) } ?? "d.mode"
        // Proxies are told the stricter one of a domain's own mode and its freeze's, as long as that lasts.
        let mode =
            isFrozen
            ? """
            CASE WHEN g.number IS NULL THEN \(own)
                WHEN 'reject' IN (\(own), g."freeze") THEN 'reject' ELSE 'read_only' END
            """ : own
        let freeze =
            isFrozen
            ? """
            LEFT JOIN migration_domain m ON m.fqdn = d.fqdn AND m.wave IS NOT NULL AND EXISTS (
                SELECT 1 FROM wave w WHERE w.migration = m.migration AND w.number = m.wave
                    AND w.state = 'frozen')
            LEFT JOIN migration g ON g.number = m.migration
            """ : ""
        let ownDiffers = isFrozen ? "OR coalesce(m.own_mode, m.mode) <> \(own)" : ""
        let after = Placement.names().map { name in
            switch name {
            case "location": location
            case "mode": mode
            // As `DomainPatch.applied` has it.
            case "fence": "CASE WHEN d.location = \(location) THEN d.fence END"
            default: "d.\(name)"
            }
        }
        return try session.withoutRowChecks {
            let written = try session.run(
                """
                INSERT INTO change_log (revision, position, action, fqdn,
                    \((Placement.names("before_") + Placement.names("after_")).listed), registered_at)
                SELECT $1, row_number() OVER (ORDER BY d.fqdn) - 1,
                    CASE WHEN d.location = \(location) THEN 'updated' ELSE 'moved' END, d.fqdn,
                    \((Placement.names("d.") + after).listed), d.registered_at
                FROM domain d \(freeze)
                WHERE d.tenant = $2
                    AND (d.location <> \(location) OR d.mode <> (\(mode)) \(ownDiffers))
                ORDER BY d.fqdn
                """, values)
            guard try session.applyLines(of: revision, at: at) == written else {
                throw RegistryError.inconsistent
            }
            if patch.location != nil, try Tenant.sumUp(revision, session) {
                try Tenant.recountMoved(session)
            }
            return written
        }
    }
}

extension WaveName {
    package init(row: SQLRow, from column: Int = 0) throws {
        self.init(migration: try row.text(column), number: try row.integer(column + 1))
    }

    /// The waves `w` that are frozen, with their migrations `g`: few, whatever else there is.
    package static func frozen(_ dialect: SQLDialect) -> String {
        "wave w\(dialect.indexed(by: "wave_by_deadline")) JOIN migration g ON g.number = w.migration"
    }

    static func anyFrozen(_ dialect: SQLDialect) -> String {
        "SELECT 1 FROM \(frozen(dialect)) WHERE w.state = 'frozen' LIMIT 1"
    }
}

extension FrozenTenant {
    package init(row: SQLRow) throws {
        self.init(wave: try WaveName(row: row), location: try row.location(2))
    }

    /// The frozen waves, of migrations that move whole tenants, that have the tenant `$1`. What such a wave has of a tenant
    /// is all that is at its source, for nothing joins it until the freeze ends: one domain tells of the others.
    package static func byName(_ dialect: SQLDialect) -> String {
        """
        SELECT g.id, w.number, g.from_location
        FROM \(WaveName.frozen(dialect))
        WHERE w.state = 'frozen' AND \(dialect.isSet("g.whole_tenants")) AND EXISTS (
            SELECT 1 FROM migration_domain m
            WHERE m.fqdn = \(Tenant.firstDomain(of: "$1", at: "g.from_location"))
                AND m.migration = w.migration AND m.wave = w.number)
        ORDER BY w.migration, w.number
        """
    }
}

extension SQLSession {
    /// Makes domains what the lines of a revision say: those lines' domains, and no others.
    ///
    /// - Parameter position: of the first of the lines.
    /// - Returns: how many have changed.
    func applyLines(of revision: Revision, from position: Int = 0, at: Timestamp) throws -> Int {
        try run(
            """
            UPDATE domain SET location = c.after_location, mode = c.after_mode,
                fence = c.after_fence, revision = c.revision, changed_at = $1
            FROM change_log c
            WHERE c.revision = $2 AND c.position >= $3 AND domain.fqdn = c.fqdn
            """, [.number(at.milliseconds), .number(revision.number), .number(position)])
    }
}
