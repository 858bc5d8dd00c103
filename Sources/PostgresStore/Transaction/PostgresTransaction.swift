import RegistryLedger
import RegistryModel
import StoreCore

/// The ledger's rows in PostgreSQL, for a group of commands that share one transaction, or for one
/// alone.
///
/// The head's row is locked first and until the end, so transactions of all nodes come one after the
/// other, and each statement sees what the one before committed. What the ordinary commands write
/// waits in `PendingWrites` for the commit; what works on many rows in the database itself is sent at
/// once, everything pending before it.
final class PostgresTransaction: SQLTransaction {
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
    /// Whether any wave is; nil: nobody has asked.
    private var isAnyFrozen: Bool?

    /// Begins a transaction and reads in one go what the commands will ask for.
    init(
        _ connection: PostgresConnection, for requests: [CommitRequest], clock: DatabaseClock,
        counts: DomainCounts?
    ) throws {
        self.connection = connection
        self.counts = counts
        var reading = ReadAhead(requests)
        let results = try connection.pipeline(reading.statements)
        guard let row = results[1].first else { throw HeadMissing() }
        // From here to the commit the session can't be given to anybody else.
        try PostgresSession.checkOwn(connection, row, from: 5)
        pending = PendingWrites(head: try Head(row: row))
        number = try row.number(4)
        guard let time = results[2].first else { throw HeadMissing() }
        now = try clock.given?() ?? time.time(0)
        try reading.read(results, into: &pending)
        frozen = reading.frozen
        childless = reading.childless
        locations = reading.locations
        isAnyFrozen = reading.isAnyFrozen
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

    func session() throws -> PostgresConnection {
        try send()
        return connection
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
        let stored = NameReads(session: connection)
        pending.know(
            fqdn, stored: try stored.domain(fqdn), released: try stored.released(fqdn),
            held: try stored.held(fqdn))
        return pending.name(fqdn) ?? .init(stored: nil, released: nil, held: nil)
    }

    func domain(_ fqdn: FQDN) throws -> Domain? { try name(fqdn).live }

    func expect(_ names: [FQDN]) throws {
        let new = names.filter { pending.name($0) == nil }
        guard !new.isEmpty else { return }
        let live = try connection.rows(ReadAhead.domains, [.names(new)], Domain.init(row:))
        let released = try connection.rows(
            ReadAhead.released, [.names(new)], ReleasedDomain.init(row:))
        let held = try connection.rows(ReadAhead.held, [.names(new)], HeldDomain.init(row:))
        for name in new {
            pending.know(
                name, stored: live.first { $0.fqdn == name },
                released: released.first { $0.fqdn == name }, held: held.first { $0.fqdn == name })
        }
    }

    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN? {
        let changed = pending.changedNames(in: range).first {
            pending.isOthers($0, notOf: tenant, at: now) ?? false
        }
        var rest = range
        while !childless.contains(range.parent),
            let stored = try NameReads(session: connection)
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

// MARK: - Holds

extension PostgresTransaction {
    func held(_ fqdn: FQDN) throws -> HeldDomain? { try name(fqdn).held }

    func insert(_ held: HeldDomain) throws {
        _ = try name(held.fqdn)
        pending.change(held.fqdn) { $0.held = held }
    }

    func deleteHeld(_ fqdn: FQDN) throws {
        _ = try name(fqdn)
        pending.change(fqdn) { $0.held = nil }
    }
}

// MARK: - Tenants

extension PostgresTransaction {
    func places(of tenant: String) throws -> [LocationName: Int] {
        if let known = pending.places(of: tenant) { return known }
        pending.know(tenant, places: try Tenant.places(of: tenant, connection))
        return pending.places(of: tenant) ?? [:]
    }

    func count(_ tenant: String, at location: LocationName, by change: Int) throws {
        pending.count(.init(tenant: TenantKey(tenant), location: location), by: change)
    }

    /// Steps of waves never share a transaction with others: whether one is frozen stays so.
    func frozenWaves(of tenant: String) throws -> [FrozenTenant] {
        if isAnyFrozen == false { return [] }
        return try session().rows(FrozenTenant.byName(.postgres), [.text(tenant)]) {
            try FrozenTenant(row: $0)
        }
    }
}

// MARK: - Locations

extension PostgresTransaction {
    func location(_ name: LocationName) throws -> Location? {
        if let known = locations[name] { return known }
        let found = try Location.read(connection, name)
        locations[name] = .some(found)
        return found
    }

    func defaultLocation() throws -> Location? {
        let known = locations.values.lazy.compactMap(\.self)
        if let known = known.first(where: \.settings.isDefaultForSignups) { return known }
        let found = try connection.first(
            Location.selectDefault(.postgres), [], Location.init(row:))
        if let found { locations[found.name] = found }
        return found
    }

    func put(_ location: Location) throws {
        locations = [:]
        try location.write(session())
    }

    func deleteLocation(_ name: LocationName) throws {
        locations = [:]
        try Location.delete(name, session())
    }
}

// MARK: - Idempotency

extension PostgresTransaction {
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
        let freeze = try connection.first(
            ReadAhead.freezes, [.names([fqdn])], DomainFreeze.init(row:))
        frozen[fqdn] = .some(freeze)
        return freeze
    }

    /// The command at hand has nothing pending yet: what is sent before is of commands that stand.
    func setOwnMode(_ mode: Mode, of fqdn: FQDN, in wave: WaveName) throws {
        try wave.setOwnMode(mode, of: fqdn, session())
        frozen[fqdn]??.ownMode = mode
    }
}
