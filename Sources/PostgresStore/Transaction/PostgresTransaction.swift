import RegistryLedger
import RegistryModel

/// The ledger's rows in PostgreSQL, for a group of commands that share one transaction, or for one
/// alone.
///
/// The head's row is locked first and until the end, so transactions of all nodes come one after the
/// other, and each statement sees what the one before committed. What the ordinary commands write
/// waits in `PendingWrites` for the commit; what works on many rows in the database itself is sent at
/// once, everything pending before it.
final class PostgresTransaction: LedgerTransaction {
    let connection: PostgresConnection
    private(set) var pending: PendingWrites
    /// Names this transaction among all others of the server.
    let number: Int64
    /// The time at which it had the head's lock.
    let now: Timestamp
    /// What memory knows, of a revision that isn't later than the head's.
    let counts: DomainCounts?
    private var locations: [LocationName: Location?] = [:]
    private var frozen: [FQDN: DomainFreeze?] = [:]
    /// Names with nothing below them when the transaction began.
    private var childless: Set<FQDN> = []

    /// Begins a transaction and reads in one go what the commands will ask for.
    init(
        _ connection: PostgresConnection, for requests: [CommitRequest], clock: DatabaseClock,
        counts: DomainCounts?
    ) throws {
        self.connection = connection
        self.counts = counts
        var reading = ReadAhead(requests)
        let results = try connection.pipeline(reading.statements)
        guard let row = results[1].first else { throw Head.missing }
        // From here to the commit the session can't be given to anybody else.
        try Session.checkOwn(connection, row, from: 5)
        pending = PendingWrites(head: Head(row: row))
        number = row.number(4)
        guard let time = results[2].first else { throw Head.missing }
        now = clock.given?() ?? time.time(0)
        try reading.read(results, into: &pending)
        frozen = reading.frozen
        childless = reading.childless
        locations = reading.locations
    }

    /// Sends what is pending and commits, in one go.
    func commit() throws {
        let results = try connection.pipeline(pending.statements + [Statement("COMMIT")])
        guard results.last?.tag == "COMMIT" else {
            throw PostgresFailure.refused(state: "25P02", message: "the commit rolled back")
        }
    }

    func rollback() throws {
        try connection.query("ROLLBACK")
    }

    func beginCommand() { pending.beginCommand() }
    func undoCommand() { pending.undoCommand() }

    /// Runs a statement that looks at what this transaction has written.
    @discardableResult
    func direct(_ sql: String, _ parameters: [Parameter]) throws -> ResultRows {
        try send()
        return try connection.query(sql, parameters)
    }

    func send() throws {
        guard !pending.isEmpty else { return }
        _ = try connection.pipeline(pending.statements)
        pending.sent()
    }
}

// MARK: - The log

extension PostgresTransaction {
    func head() throws -> Head { pending.head }

    func advanceHead(to head: Head) throws { pending.advance(to: head) }

    func append(_ header: RevisionHeader, digest: [UInt8], changeCount: Int) throws {
        pending.append(
            PendingWrites.Header(header: header, digest: digest, changeCount: changeCount))
    }

    func append(_ changes: [Change], to revision: Revision, from position: Int) throws {
        pending.append(changes, to: revision, from: position)
    }
}

// MARK: - Domains

extension PostgresTransaction {
    private func name(_ fqdn: FQDN) throws -> PendingWrites.Name {
        if let known = pending.name(fqdn) { return known }
        let stored = try connection.query(ReadAhead.domains, [.names([fqdn])]).first
        let released = try connection.query(ReadAhead.released, [.names([fqdn])]).first
        pending.know(
            fqdn, stored: stored.map(Domain.init(row:)),
            released: released.map(ReleasedDomain.init(row:)))
        return pending.name(fqdn) ?? .init(stored: nil, released: nil)
    }

    func domain(_ fqdn: FQDN) throws -> Domain? { try name(fqdn).live }

    func expect(_ names: [FQDN]) throws {
        let new = names.filter { pending.name($0) == nil }
        guard !new.isEmpty else { return }
        let live = try connection.query(ReadAhead.domains, [.names(new)]).map(Domain.init(row:))
        let released = try connection.query(ReadAhead.released, [.names(new)])
            .map(ReleasedDomain.init(row:))
        for name in new {
            pending.know(
                name, stored: live.first { $0.fqdn == name },
                released: released.first { $0.fqdn == name })
        }
    }

    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN? {
        let changed = pending.changedNames(in: range).first {
            pending.isOthers($0, notOf: tenant, at: now) ?? false
        }
        var rest = range
        while !childless.contains(range.parent),
            let stored = try NameReads(connection: connection)
                .first(in: rest, notOf: tenant, at: now)
        {
            if let changed, changed.treeKey <= stored.treeKey { return changed }
            // What the database says of a name that has changed since isn't so any more.
            if pending.isOthers(stored, notOf: tenant, at: now) ?? true { return stored }
            rest.after = stored.treeKey
        }
        return changed
    }

    func insert(_ domain: Domain) throws {
        _ = try name(domain.fqdn)
        pending.change(domain.fqdn) { $0.live = domain }
    }

    func update(_ domain: Domain) throws {
        _ = try name(domain.fqdn)
        pending.change(domain.fqdn) { $0.live = domain }
    }

    func deleteDomain(_ fqdn: FQDN) throws {
        _ = try name(fqdn)
        pending.change(fqdn) { $0.live = nil }
    }

    func released(_ fqdn: FQDN) throws -> ReleasedDomain? { try name(fqdn).released }

    func insert(_ released: ReleasedDomain) throws {
        _ = try name(released.fqdn)
        pending.change(released.fqdn) { $0.released = released }
    }

    func deleteReleased(_ fqdn: FQDN) throws {
        guard try name(fqdn).released != nil else { return }
        pending.change(fqdn) { $0.released = nil }
    }
}

// MARK: - Locations

extension PostgresTransaction {
    func location(_ name: LocationName) throws -> Location? {
        if let known = locations[name] { return known }
        let found = try connection.query(
            "\(ReadAhead.locations) WHERE name = $1", [.text(name.text)]
        )
        .first.map(Location.init(row:))
        locations[name] = .some(found)
        return found
    }

    func defaultLocation() throws -> Location? {
        let known = locations.values.lazy.compactMap(\.self)
        if let known = known.first(where: \.settings.isDefaultForSignups) { return known }
        let found = try connection.query("\(ReadAhead.locations) WHERE default_for_signups")
            .first.map(Location.init(row:))
        if let found { locations[found.name] = found }
        return found
    }

    func locationCount() throws -> Int {
        try direct("SELECT count(*) FROM location", []).first?.integer(0) ?? 0
    }

    func put(_ location: Location) throws {
        locations = [:]
        try direct(
            """
            INSERT INTO location (name, upstream, accepts_signups, default_for_signups, revision)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET upstream = excluded.upstream,
                accepts_signups = excluded.accepts_signups,
                default_for_signups = excluded.default_for_signups, revision = excluded.revision
            """,
            [
                .text(location.name.text), .text(location.settings.upstream.text),
                .flag(location.settings.acceptsSignups),
                .flag(location.settings.isDefaultForSignups), .number(location.revision.number),
            ])
    }

    func deleteLocation(_ name: LocationName) throws {
        locations = [:]
        try direct("DELETE FROM location WHERE name = $1", [.text(name.text)])
    }

    func isReferenced(_ location: LocationName, at now: Timestamp) throws -> Bool {
        let rests =
            try direct(
                """
                SELECT EXISTS (SELECT FROM released_domain WHERE location = $1 AND available_at > $2)
                """, [.text(location.text), .number(now.milliseconds)]
            ).first?.flag(0) ?? false
        guard !rests else { return true }
        if let count = try PlanStage(connection).known(
            counts, at: location, through: pending.head.revision)
        {
            return count > 0
        }
        return try direct(
            "SELECT EXISTS (SELECT FROM domain WHERE location = $1)", [.text(location.text)]
        ).first?.flag(0) ?? false
    }

}

// MARK: - Tokens and idempotency

extension PostgresTransaction {
    func token(_ id: String) throws -> TokenRecord? {
        try direct("\(TokenRecord.select) WHERE t.id = $1", [.text(id)]).first
            .map(TokenRecord.init(row:))
    }

    func insert(_ token: TokenRecord) throws {
        try direct(
            """
            INSERT INTO token (id, name, role, secret_digest, created_at, expires_at, revoked_at)
            VALUES ($1, $2, $3, $4, $5, $6, NULL)
            """,
            [
                .text(token.id), .text(token.name), .text(token.role.rawValue),
                .octets(token.secretDigest), .number(token.createdAt.milliseconds),
                .number(token.expiresAt?.milliseconds),
            ])
    }

    func revokeToken(_ id: String, at now: Timestamp) throws {
        try direct(
            "UPDATE token SET revoked_at = $1 WHERE id = $2",
            [.number(now.milliseconds), .text(id)])
    }

    func hasActiveAdmin(besides id: String, at now: Timestamp, lasting: Bool) throws -> Bool {
        try direct(
            """
            SELECT EXISTS (SELECT FROM token WHERE role = 'admin' AND id <> $1
                AND revoked_at IS NULL AND (expires_at IS NULL OR NOT $3 AND expires_at > $2))
            """, [.text(id), .number(now.milliseconds), .flag(lasting)]
        ).first?.flag(0) ?? false
    }

    /// Those of the requests at hand were read at the beginning.
    func idempotencyRecord(token: String, key: String) throws -> IdempotencyRecord? {
        pending.records[PendingWrites.Key(token: token, key: key)]
    }

    func put(_ record: IdempotencyRecord) throws { pending.put(record) }
}

// MARK: - Migrations that a command meets

extension PostgresTransaction {
    /// Steps of waves never share a transaction with others: what was read stays so.
    func freeze(of fqdn: FQDN) throws -> DomainFreeze? {
        if let known = frozen[fqdn] { return known }
        let row = try connection.query(ReadAhead.freezes, [.names([fqdn])]).first
        let freeze = row.map(DomainFreeze.init(row:))
        frozen[fqdn] = .some(freeze)
        return freeze
    }

    /// The command at hand has nothing pending yet: what `direct` sends before is of commands that stand.
    func setOwnMode(_ mode: Mode, of fqdn: FQDN, in wave: WaveName) throws {
        let changed = try direct(
            """
            UPDATE migration_domain SET own_mode = $1
            WHERE fqdn = $2 AND wave = $3 AND migration = (SELECT number FROM migration WHERE id = $4)
            """,
            [
                .text(mode.rawValue), .text(fqdn.text), .number(Int64(wave.number)),
                .text(wave.migration),
            ]
        ).changed
        guard changed == 1 else { throw RegistryError.inconsistent }
        frozen[fqdn]??.ownMode = mode
    }
}
