import Foundation
import PostgresStore
import RegistryModel
import SQLiteStore
import Testing

@Suite("A zone's serial") struct ZoneSerialContract {
    private static let zone = fqdn("kintone.com")
    /// Of the tests' clock, when it begins.
    private static let start = UInt32(StoreSession.start.milliseconds / 1000)

    private static func content(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: 32) }

    private static func ask(
        _ session: StoreSession, _ number: UInt8, at revision: Int64, of zone: FQDN = zone,
        above floor: UInt32 = 0
    ) async throws -> UInt32? {
        let found = try await session.store.zoneSerial(
            of: zone, digest: content(number), at: Revision(revision), above: floor)
        if let found { #expect(found.digest == content(number)) }
        return found?.serial
    }

    /// A store with so many revisions.
    private static func withStore(
        _ engine: StoreUnderTest, revisions: Int = 5, _ body: (StoreSession) async throws -> Void
    ) async throws {
        try await engine.run { session in
            for number in 0..<revisions { try await session.register("n\(number).example") }
            try await body(session)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is the time, and stays while the content does`(engine: StoreUnderTest) async throws {
        try await Self.withStore(engine) { session in
            let first = try await session.store.zoneSerial(
                of: Self.zone, digest: Self.content(1), at: Revision(1), above: 0)
            #expect(
                first
                    == ZoneSerial(
                        serial: Self.start, digest: Self.content(1), revision: Revision(1)))
            session.pass(.seconds(100))
            let later = try await session.store.zoneSerial(
                of: Self.zone, digest: Self.content(1), at: Revision(3), above: 0)
            #expect(
                later
                    == ZoneSerial(
                        serial: Self.start, digest: Self.content(1), revision: Revision(3)))
            // Who is behind with the same content has it all the same.
            let behind = try await session.store.zoneSerial(
                of: Self.zone, digest: Self.content(1), at: Revision(2), above: 0)
            #expect(behind == later)
            #expect(try await Self.ask(session, 1, at: 3) == Self.start)
            // It's in no log, and another zone has its own.
            #expect(try await session.revision() == 5)
            let other = try await Self.ask(session, 1, at: 3, of: fqdn("cybozu.com"))
            #expect(other == Self.start + 100)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `goes up with each other content, by the clock or by one`(
        engine: StoreUnderTest
    ) async throws {
        try await Self.withStore(engine) { session in
            let first = try await Self.ask(session, 1, at: 1)
            #expect(first == Self.start)
            #expect(try await Self.ask(session, 2, at: 2) == Self.start + 1, "the same second")
            #expect(try await Self.ask(session, 1, at: 3) == Self.start + 2, "as it was before")
            session.pass(.milliseconds(10_900))
            #expect(try await Self.ask(session, 3, at: 4) == Self.start + 10)
            session.pass(.seconds(-86_400))
            #expect(try await Self.ask(session, 4, at: 4) == Self.start + 11, "set back")
            #expect(try await Self.ask(session, 4, at: 5) == Self.start + 11)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't given to who is behind with another content`(engine: StoreUnderTest) async throws {
        try await Self.withStore(engine) { session in
            let first = try await Self.ask(session, 2, at: 4)
            #expect(first == Self.start)
            #expect(try await Self.ask(session, 1, at: 3) == nil)
            #expect(try await Self.ask(session, 2, at: 4) == Self.start, "nothing came of it")
            #expect(try await Self.ask(session, 1, at: 4) == Self.start + 1)
            // What is seen to be so later is what the next one is held against.
            #expect(try await Self.ask(session, 1, at: 5) == Self.start + 1)
            #expect(try await Self.ask(session, 2, at: 4) == nil)
            let ahead = RegistryError.unknownRevision(Revision(6), head: Revision(5))
            await #expect(throws: ahead) { try await Self.ask(session, 3, at: 6) }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `goes up under a new epoch, whatever the content and the clock`(
        engine: StoreUnderTest
    ) async throws {
        try await Self.withStore(engine) { session in
            #expect(try await Self.ask(session, 1, at: 5) == Self.start)
            let epoch = try await session.store.head().epoch
            let edge = AgentName(canonical: "edge-a")
            let ahead = Position(epoch: epoch, revision: Revision(9))
            _ = try await session.store.note(
                [AgentReport(edge, applied: nil, ahead: ahead)], limit: 10)
            session.pass(.seconds(-1_000))
            let again = try await session.reopened(acceptsRewind: true)
            #expect(try await again.store.head().epoch != epoch)
            // An earlier revision than the old epoch's is none of the new one's.
            #expect(try await Self.ask(again, 1, at: 3) == Self.start + 1)
            #expect(try await Self.ask(again, 1, at: 5) == Self.start + 1)
            again.pass(.seconds(2_000))
            #expect(try await Self.ask(again, 2, at: 5) == Self.start + 1_000)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is above what others have published the zone with`(engine: StoreUnderTest) async throws {
        try await Self.withStore(engine) { session in
            // The day and a number, as many write them, are far above the seconds.
            let day: UInt32 = 2_026_113_001
            for (number, floor, expected) in [
                (1, day, day + 1), (1, day, day + 1), (1, 0, day + 1),
                (2, 0, day + 2), (2, day + 2, day + 3),
            ] as [(UInt8, UInt32, UInt32)] {
                let serial = try await Self.ask(session, number, at: 5, above: floor)
                #expect(serial == expected)
            }
            await #expect(throws: RegistryError.noSerialLeft(Self.zone)) {
                try await Self.ask(session, 2, at: 5, above: .max)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is one for many who ask at once`(engine: StoreUnderTest) async throws {
        try await Self.withStore(engine) { session in
            for number in UInt8(1)...4 {
                let given = try await withThrowingTaskGroup(of: UInt32?.self) { group in
                    for _ in 0..<16 {
                        group.addTask { try await Self.ask(session, number, at: Int64(number)) }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(given == [Self.start + UInt32(number) - 1])
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is never jammed by a clock, and counts on past what it says`(
        engine: StoreUnderTest
    ) async throws {
        try await Self.withStore(engine) { session in
            // 2096, 2106 and far beyond; a clock that stands before 1970.
            let late = Timestamp(milliseconds: ZoneSerial.latestTime * 1000)
            for (number, time) in [late, .init(milliseconds: .max), .init(milliseconds: -5)]
                .enumerated()
            {
                session.clock.change { $0 = time }
                let serial = try await Self.ask(session, UInt8(number), at: 5)
                #expect(serial == UInt32(number) + 1)
            }
            session.clock.change { $0 = late.adding(.seconds(-1)) }
            #expect(try await Self.ask(session, 9, at: 5) == 3_999_999_999)
            session.clock.change { $0 = late.adding(.seconds(1)) }
            #expect(try await Self.ask(session, 10, at: 5) == 4_000_000_000)
        }
    }

    @Test func `is refused at the end of the range, and not given anew`() {
        let now = StoreSession.start
        #expect(ZoneSerial.next(after: 0, at: now) == Self.start)
        #expect(ZoneSerial.next(after: .max - 1, at: now) == .max)
        #expect(ZoneSerial.next(after: .max, at: now) == nil)
    }
}
