import Foundation
import RegistryModel
import Testing

@testable import SQLiteStore

@Suite("A zone's serial in a file", .timeLimit(.minutes(15))) struct ZoneSerialTests {
    private let folder = StoreFolder()
    private let target = StoreFolder()
    private static let zone = fqdn("kintone.com")
    private static let digest = [UInt8](repeating: 7, count: 32)

    private func serial(
        _ store: SQLiteStore, _ digest: [UInt8] = digest, at revision: Int64 = 1,
        above floor: UInt32 = 0
    ) async throws -> UInt32? {
        try await store.zoneSerial(
            of: Self.zone, digest: digest, at: Revision(revision), above: floor)?.serial
    }

    /// What was given away after the backup isn't in it: the clock is what's above that.
    @Test func `goes up over what was given away, where a backup is restored`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let first = try #require(try await serial(store))
        let file = try folder.write(try await store.backup())
        try await store.run(new("b.example"))
        folder.clock.change { $0 = $0.adding(.seconds(60)) }
        let last = try #require(try await serial(store, [8], at: 2))
        #expect(last == first + 60)
        await store.close()

        _ = try await StoreRestore.run(
            file, into: target.url, replacing: false, now: Timestamp(milliseconds: 77))
        target.clock.change { $0 = folder.clock.value.adding(.seconds(1)) }
        let restored = try target.open()
        #expect(try await serial(restored) == last + 2, "the same content as in the backup")
        #expect(try await serial(restored) == last + 2)
        await restored.close()
    }

    /// The day and a number are far above the clock, which then says nothing.
    @Test func `goes up over it also where serials are above the clock, twice`() async throws {
        let day: UInt32 = 2_026_113_001
        let store = try folder.open()
        try await store.run(new("a.example"))
        #expect(try await serial(store, above: day) == day + 1)
        let file = try folder.write(try await store.backup())
        var given = day + 1
        for number in 1...20 as ClosedRange<UInt8> {
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
            given = try #require(try await serial(store, [number]))
        }
        #expect(given == day + 21)
        await store.close()
        for _ in 1...2 {
            target.clock.change { $0 = folder.clock.value }
            _ = try await StoreRestore.run(
                file, into: target.url, replacing: true, now: Timestamp(milliseconds: 77))
            let restored = try target.open()
            let next = try #require(try await serial(restored, [99]))
            #expect(next > given)
            given = next
            await restored.close()
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
        }
    }

    @Test func `goes up once where the epoch is renewed`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let first = try #require(try await serial(store))
        await store.close()
        _ = try EpochRenewal.run(in: folder.url)
        let again = try folder.open()
        #expect(try await serial(again) == first + 1)
        #expect(try await serial(again) == first + 1)
        await again.close()
    }

    @Test func `is refused at the end of the range, and stays for what it's of`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        _ = try await serial(store)
        try await folder.shell().write { db in
            try db.execute(sql: "UPDATE zone_serial SET serial = 4294967294")
        }
        #expect(try await serial(store, [8]) == 4_294_967_295)
        await #expect(throws: RegistryError.noSerialLeft(Self.zone)) {
            try await serial(store, [9])
        }
        #expect(try await serial(store, [8]) == 4_294_967_295)
        await store.close()
    }
}
