import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// The ledger's rows in SQLite. Only ever used on one connection, inside a transaction.
///
/// What nearly every write does goes through `StatementBook`, everything else by the texts of `StoreCore`.
struct SQLiteTransaction: SQLTransaction {
    let db: Database
    let statements: StatementBook
    /// What memory knows, of a revision that isn't later than this transaction's.
    let counts: DomainCounts?
    private let known = KnownLocations()

    init(db: Database, counts: DomainCounts? = nil) {
        self.db = db
        self.counts = counts
        statements = StatementBook(db)
    }

    func session() -> Database { db }

    /// What was read may have been a command's that is undone.
    func forget() { known.all = [:] }
}

/// Locations that a transaction has read, so that a batch reads each of them once: their rows have JSON.
private final class KnownLocations {
    var all: [LocationName: Location?] = [:]
}

// MARK: - The log

extension SQLiteTransaction {
    func head() throws -> Head {
        guard let head = try statements[.head].first({ _ in }, { try Head(row: $0) }) else {
            // No reader's question: a store without a head is broken.
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: HeadMissing().description)
        }
        return head
    }

    func advanceHead(to head: Head) throws {
        try statements[.advanceHead].run {
            $0.number(head.revision.number)
            $0.blob(head.digest)
            $0.time(head.at)
        }
    }

    func append(_ header: RevisionHeader, digest: [UInt8], changeCount: Int) throws {
        try statements[.appendHeader].run {
            $0.number(header.revision.number)
            $0.text(header.epoch.text)
            $0.time(header.at)
            $0.text(header.actor.token)
            $0.text(header.actor.name)
            $0.text(header.actor.role.rawValue)
            $0.text(header.note.reason)
            $0.text(header.note.ticket)
            $0.text(header.requestID)
            $0.text(header.migration)
            $0.number(header.wave)
            $0.text(header.overrideReason)
            $0.number(header.allowsSplit ? 1 : 0)
            $0.number(changeCount)
            $0.blob(digest)
        }
    }

    func append(_ changes: [Change], to revision: Revision, from position: Int) throws {
        let insert = try statements[.appendChange]
        for (position, change) in zip(position..., changes) {
            let row = ChangeRow(change)
            try insert.run {
                $0.number(revision.number)
                $0.number(position)
                $0.text(row.action)
                $0.text(row.fqdn)
                $0.placement(row.before)
                $0.placement(row.after)
                $0.time(row.registeredAt)
                $0.text(row.subject)
                $0.text(row.beforeDetail)
                $0.text(row.afterDetail)
            }
        }
    }
}

// MARK: - Domains

extension SQLiteTransaction {
    func domain(_ fqdn: FQDN) throws -> Domain? {
        try statements[.domain].first {
            $0.text(fqdn.text)
        } _: {
            try Domain(row: $0)
        }
    }

    func insert(_ domain: Domain) throws {
        try statements[.insertDomain].run {
            $0.text(domain.fqdn.text)
            $0.number(domain.revision.number)
            $0.time(domain.registeredAt)
            $0.time(domain.changedAt)
            $0.placement(domain.placement)
        }
        try insertName(domain.fqdn)
    }

    private func insertName(_ fqdn: FQDN) throws {
        try statements[.insertName].run {
            $0.text(fqdn.treeKey)
            $0.text(fqdn.text)
        }
    }

    /// SQLite is near: nothing to gain.
    func expect(_ names: [FQDN]) {}

    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN? {
        try statements[.firstName].first {
            $0.text(range.after)
            $0.text(range.end)
            $0.text(tenant)
            $0.time(now)
        } _: {
            try $0.name(0)
        }
    }

    func update(_ domain: Domain) throws {
        try statements[.updateDomain].run {
            $0.number(domain.revision.number)
            $0.time(domain.changedAt)
            $0.placement(domain.placement)
            $0.text(domain.fqdn.text)
        }
    }

    func deleteDomain(_ fqdn: FQDN) throws {
        try statements[.deleteDomain].run { $0.text(fqdn.text) }
    }

    func released(_ fqdn: FQDN) throws -> ReleasedDomain? {
        try statements[.released].first {
            $0.text(fqdn.text)
        } _: {
            try ReleasedDomain(row: $0)
        }
    }

    func insert(_ released: ReleasedDomain) throws {
        try statements[.insertReleased].run {
            $0.text(released.fqdn.text)
            $0.number(released.revision.number)
            $0.time(released.registeredAt)
            $0.time(released.releasedAt)
            $0.time(released.availableAt)
            $0.placement(released.placement)
        }
    }

    func deleteReleased(_ fqdn: FQDN) throws {
        try statements[.deleteReleased].run { $0.text(fqdn.text) }
    }
}

// MARK: - Holds

extension SQLiteTransaction {
    func held(_ fqdn: FQDN) throws -> HeldDomain? {
        try statements[.held].first {
            $0.text(fqdn.text)
        } _: {
            try HeldDomain(row: $0)
        }
    }

    func insert(_ held: HeldDomain) throws {
        try statements[.insertHeld].run {
            $0.text(held.fqdn.text)
            $0.number(held.revision.number)
            $0.time(held.heldAt)
            $0.time(held.heldUntil)
            $0.text(held.holder)
            $0.number(held.wantsLocation ? 1 : 0)
            $0.number(held.allowsNested ? 1 : 0)
            $0.number(held.allowsSplit ? 1 : 0)
            $0.placement(held.placement)
        }
        try insertName(held.fqdn)
    }

    func deleteHeld(_ fqdn: FQDN) throws {
        try statements[.deleteHeld].run { $0.text(fqdn.text) }
    }
}

// MARK: - Tenants

extension SQLiteTransaction {
    func places(of tenant: String) throws -> [LocationName: Int] {
        var places: [LocationName: Int] = [:]
        try statements[.tenantPlaces].forEach {
            $0.text(tenant)
        } _: { row in
            let place = try Tenant.place(row)
            places[place.location] = place.count
        }
        return places
    }

    func frozenWaves(of tenant: String) throws -> [FrozenTenant] {
        var waves: [FrozenTenant] = []
        try statements[.frozenWaves].forEach {
            $0.text(tenant)
        } _: { row in
            waves.append(try FrozenTenant(row: row))
        }
        return waves
    }

    func count(_ tenant: String, at location: LocationName, by change: Int) throws {
        for _ in 0..<change.magnitude {
            let statement = try statements[change > 0 ? .countOneMore : .countOneLess]
            try statement.run {
                $0.text(tenant)
                $0.text(location.text)
            }
        }
        if change < 0 { try statements[.clearEmptyPlaces].run { _ in } }
    }
}

// MARK: - Locations

extension SQLiteTransaction {
    func location(_ name: LocationName) throws -> Location? {
        if let found = known.all[name] { return found }
        let found = try statements[.location].first {
            $0.text(name.text)
        } _: {
            try Location(row: $0)
        }
        known.all[name] = .some(found)
        return found
    }

    func defaultLocation() throws -> Location? {
        let read = known.all.values.lazy.compactMap(\.self)
        if let found = read.first(where: \.settings.isDefaultForSignups) { return found }
        let found = try statements[.defaultLocation].first({ _ in }, { try Location(row: $0) })
        if let found { known.all[found.name] = found }
        return found
    }

    func put(_ location: Location) throws {
        forget()
        try location.write(db)
    }

    func deleteLocation(_ name: LocationName) throws {
        forget()
        try Location.delete(name, db)
    }
}

// MARK: - Idempotency, and frozen domains

extension SQLiteTransaction {
    func idempotencyRecord(token: String, key: String) throws -> IdempotencyRecord? {
        try IdempotencyRecord.read(db, token: token, key: key)
    }

    func put(_ record: IdempotencyRecord) throws {
        try statements[.putIdempotency].run {
            $0.text(record.key.token)
            $0.text(record.key.key)
            $0.blob(record.key.requestDigest)
            $0.number(record.revision.number)
            $0.text(ChangeRow.text(record.outcome))
            $0.time(record.createdAt)
        }
    }

    func freeze(of fqdn: FQDN) throws -> DomainFreeze? {
        try statements[.freeze].first {
            $0.text(fqdn.text)
        } _: {
            try DomainFreeze(row: $0)
        }
    }

    func setOwnMode(_ mode: Mode, of fqdn: FQDN, in wave: WaveName) throws {
        try wave.setOwnMode(mode, of: fqdn, db)
    }
}
