import RegistryLedger
import RegistryModel

extension SQLStore {
    package func zoneSerial(
        of zone: FQDN, digest: [UInt8], at revision: Revision, above floor: UInt32
    ) async throws(RegistryError) -> ZoneSerial? {
        // The writer isn't asked for nothing: most who ask find the zone as it was. A standby that is behind, where reads
        // may go, can't mislead: it has nothing of as late a revision then.
        let settled = try await asking(.quick) { session -> ZoneSerial? in
            guard let stored = try StoredSerial.read(zone, session),
                stored.isOf(digest, try Head.read(session).epoch),
                stored.serial.revision >= revision, stored.serial.serial > floor
            else { return nil }
            return stored.serial
        }
        if let settled { return settled }
        // Again where its answer was lost: then it finds what it has written.
        return try await writing(isRepeatable: true) { session in
            while true {
                let stored = try StoredSerial.read(zone, session, isLocking: true)
                // After the lock, so that this is no older than what another node has written.
                let head = try Head.read(session)
                try head.check(revision)
                if let stored, stored.epoch == head.epoch {
                    if stored.serial.digest == digest, stored.serial.serial > floor {
                        return try stored.reaching(revision, of: zone, session)
                    }
                    guard revision >= stored.serial.revision else { return nil }
                }
                let now = try time(session)
                var last = stored?.serial.serial ?? 0
                if let stored, stored.epoch != head.epoch {
                    // What was given after this store was copied isn't in it. Serials above the clock go on above that
                    // by the time that has passed since, for there's hardly more than one a second.
                    let passed = now.since(try stored.seenAt(session) ?? now).components.seconds
                    last += UInt32(min(max(0, passed), Int64(UInt32.max - last)))
                }
                let next = ZoneSerial.next(after: max(floor, last), at: now)
                guard let next else { throw RegistryError.noSerialLeft(zone) }
                let given = StoredSerial(
                    serial: ZoneSerial(serial: next, digest: digest, revision: revision),
                    epoch: head.epoch)
                // Where another node was faster with a new zone, its row is there now.
                guard try given.write(zone, isNew: stored == nil, session) else { continue }
                return given.serial
            }
        }
    }
}

/// A zone's row.
private struct StoredSerial {
    var serial: ZoneSerial
    /// Of the store, when the serial was given.
    var epoch: Epoch

    /// - Parameter isLocking: whether nobody else changes it until the transaction's end.
    static func read(
        _ zone: FQDN, _ session: some SQLSession, isLocking: Bool = false
    ) throws -> StoredSerial? {
        try session.first(
            """
            SELECT serial, digest, revision, epoch FROM zone_serial WHERE zone = $1
            \(isLocking ? session.dialect.forUpdate : "")
            """, [.text(zone.text)]
        ) { row in
            guard let serial = UInt32(exactly: try row.number(0)) else {
                throw UnreadableValue(column: 0, expected: "a serial")
            }
            return StoredSerial(
                serial: ZoneSerial(
                    serial: serial, digest: try row.bytes(1), revision: try row.revision(2)),
                epoch: Epoch(try row.text(3)))
        }
    }

    /// When the last revision at which the zone was seen so was committed, or one soon after that.
    func seenAt(_ session: some SQLSession) throws -> Timestamp? {
        try session.first(
            "SELECT at FROM revision_log WHERE revision >= $1 ORDER BY revision LIMIT 1",
            [.number(serial.revision.number)]
        ) { try $0.time(0) }
    }

    func isOf(_ digest: [UInt8], _ epoch: Epoch) -> Bool {
        serial.digest == digest && self.epoch == epoch
    }

    /// Notes that the zone was seen so at a later revision.
    func reaching(
        _ revision: Revision, of zone: FQDN, _ session: some SQLSession
    ) throws -> ZoneSerial {
        guard revision > serial.revision else { return serial }
        try session.run(
            "UPDATE zone_serial SET revision = $1 WHERE zone = $2",
            [.number(revision.number), .text(zone.text)])
        return ZoneSerial(serial: serial.serial, digest: serial.digest, revision: revision)
    }

    /// - Returns: false where one that should be new is there already; then nothing was written.
    func write(_ zone: FQDN, isNew: Bool, _ session: some SQLSession) throws -> Bool {
        let values: [SQLValue] = [
            .number(Int64(serial.serial)), .bytes(serial.digest), .number(serial.revision.number),
            .text(epoch.text), .text(zone.text),
        ]
        // Not an upsert: a trigger keeps SQLite's rows from being inserted in the place of others.
        let sql =
            isNew
            ? """
            INSERT INTO zone_serial (serial, digest, revision, epoch, zone)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (zone) DO NOTHING
            """
            : """
            UPDATE zone_serial SET serial = $1, digest = $2, revision = $3, epoch = $4
            WHERE zone = $5
            """
        return try session.run(sql, values) == 1
    }
}
