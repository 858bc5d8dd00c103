import Foundation
import GRDB
import PostgresServer
import PostgresStore
import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore
import Testing

@testable import SQLiteStore

/// What a copy between the engines has to take along for the DNS.
@Suite("A copied store", .timeLimit(.minutes(15))) struct CopiedDNSTests {
    private static let zone = fqdn("kintone.com")
    private static let osaka = LocationName(canonical: "osaka")
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("copied-\(UUID().uuidString)")
    private let database = "copied_\(UUID().uuidString)"

    private static func settings(_ dns: DNSTargets?) -> LocationSettings {
        LocationSettings(
            upstream: UpstreamURL(canonical: "http://osaka"), acceptsSignups: true,
            isDefaultForSignups: false, dns: dns)
    }

    private func open(_ folder: URL) throws -> SQLiteStore {
        let configuration = SQLiteStore.Configuration(
            folder: folder, quarantine: .zero, now: { StoreSession.start })
        return try SQLiteStore(configuration, logger: .init(label: "copy"), onCommit: { _ in })
    }

    private func connection() async throws -> ConnectionSettings {
        try await ConnectionSettings(url: PostgresServer.shared().url(database))
    }

    private func openDatabase() async throws -> PostgresStore {
        let configuration = PostgresStore.Configuration(
            connection: try await connection(), quarantine: .zero, now: { StoreSession.start })
        return try await PostgresStore.open(
            configuration, logger: .init(label: "copy"), onCommit: { _ in })
    }

    /// From the folder into the database, which is new.
    private func copyOver() async throws {
        try await PostgresServer.shared().makeDatabase(database)
        let source = try SQLiteCopySource(folder: folder)
        let target = try await PostgresCopyTarget(connection(), now: StoreSession.start)
        _ = try await CopyRun(from: source, to: target) { _, _ in }.run()
        await target.close()
        source.close()
    }

    private func clear(_ folders: URL...) async throws {
        try await PostgresServer.shared().dropDatabase(database)
        for folder in folders { try FileManager.default.removeItem(at: folder) }
    }

    private func dns(_ store: any Store) async throws -> [DNSTargets?] {
        try await store.locations(after: nil, limit: 9).value.items.map(\.settings.dns)
    }

    private func serial(_ store: any Store, _ digest: UInt8) async throws -> UInt32? {
        try await store.zoneSerial(of: Self.zone, digest: [digest], at: Revision(2), above: 0)?
            .serial
    }

    @Test func `has the serials of its zones and the DNS of its locations, there and back`()
        async throws
    {
        let targets = DNSTargets.addresses([IPv4Address("192.0.2.1")!], [IPv6Address("::1")!])
        let first = try open(folder)
        for (name, wanted) in [(Self.osaka, targets), (aws, .cname(fqdn("lb.example.net")))] {
            _ = try await first.commit(
                CommitRequest(
                    .putLocation(name, Self.settings(wanted)), by: .tester, requestID: "r"))
        }
        for digest in UInt8(1)...9 { _ = try await serial(first, digest) }
        let given = try #require(try await serial(first, 9))
        let wanted = try await dns(first)
        #expect(wanted.compactMap(\.self).count == 2)
        await first.close()

        try await copyOver()
        let second = try await openDatabase()
        #expect(try await dns(second) == wanted)
        #expect(try await serial(second, 9) == given)
        #expect(try await serial(second, 10) == given + 1)
        #expect(try await second.verify(nil) { _ in }.isGood)
        await second.close()

        let back = folder.appendingPathExtension("back")
        let source = try await PostgresCopySource(connection())
        let target = try SQLiteCopyTarget(folder: back, now: StoreSession.start)
        _ = try await CopyRun(from: source, to: target) { _, _ in }.run()
        await source.close()
        let third = try open(back)
        #expect(try await dns(third) == wanted)
        #expect(try await serial(third, 10) == given + 1)
        #expect(try await serial(third, 11) == given + 2)
        #expect(try await third.verify(nil) { _ in }.isGood)
        await third.close()
        try await clear(folder, back)
    }

    /// Written by SQL, as the release before wrote: nothing says anything of the DNS.
    private func makeOlderStore() throws -> Head {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("registry.sqlite").path
        let shell = try DatabaseQueue(path: file)
        let upstreams = ["http://osaka", "http://osaka2"]
        var digest = RevisionDigest.genesis
        try shell.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try SQLiteStore.bringSchema(db, SchemaFile.sqlite.filter { $0.version <= 12 })
            try db.execute(sql: "INSERT INTO head VALUES (1, 'abcdefghijkm', 0, zeroblob(32), 5)")
        }
        for (index, upstream) in upstreams.enumerated() {
            let revision = Revision(Int64(index) + 1)
            let header = RevisionHeader(
                epoch: Epoch("abcdefghijkm"), revision: revision,
                at: Timestamp(milliseconds: 5), actor: .tester, note: Note(), requestID: "r")
            func text(_ upstream: String) -> String {
                #"{"accepts_signups":true,"default_for_signups":false,"upstream":"\#(upstream)"}"#
            }
            let before = index == 0 ? nil : text(upstreams[index - 1])
            let row = ChangeRow(
                action: "location_changed", fqdn: nil, before: nil, after: nil, registeredAt: nil,
                subject: "osaka", beforeDetail: before, afterDetail: text(upstream))
            digest = RevisionDigest.digest(
                of: header, changes: [try row.change()], after: digest)
            try shell.write { [digest] db in
                try db.execute(
                    sql: """
                        INSERT INTO change_log (revision, position, action, subject, before_detail,
                            after_detail) VALUES (?1, 0, 'location_changed', 'osaka', ?2, ?3)
                        """, arguments: [revision.number, before, text(upstream)])
                try db.execute(
                    sql: """
                        INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name,
                            actor_role, request_id, change_count, digest)
                        VALUES (?1, 'abcdefghijkm', 5, ?2, ?3, ?4, 'r', 1, ?5)
                        """,
                    arguments: [
                        revision.number, Actor.tester.token, Actor.tester.name,
                        Actor.tester.role.rawValue, Data(digest),
                    ])
                try db.execute(
                    sql: "UPDATE head SET revision = ?, digest = ?",
                    arguments: [revision.number, Data(digest)])
            }
        }
        try shell.write { db in
            try db.execute(
                sql: "INSERT INTO location VALUES ('osaka', 'http://osaka2', 1, 0, 2)")
        }
        try shell.close()
        return Head(
            epoch: Epoch("abcdefghijkm"), revision: Revision(2), digest: digest,
            at: Timestamp(milliseconds: 5))
    }

    @Test func `of an older release keeps its digests, and is verified before and after`()
        async throws
    {
        let head = try makeOlderStore()
        let noted = try #require(
            NotedDigest("\(head.revision):\(DigestText.text(head.digest))"))
        let stopped = try await SQLiteStore.verifyStopped(folder: folder, noted) { _ in }
        #expect(stopped.isGood, "\(stopped.what)")
        let store = try open(folder)
        #expect(try await dns(store) == [nil, nil, nil])
        let brought = try await store.verify(noted) { _ in }
        #expect(brought.isGood && brought.digest == head.digest, "\(brought.what)")
        await store.close()
        try await copyOver()
        let copy = try await openDatabase()
        #expect(try await dns(copy) == [nil, nil, nil])
        let found = try await copy.verify(noted) { _ in }
        #expect(found.isGood && found.digest == head.digest, "\(found.what)")
        // And it goes on from there.
        _ = try await copy.commit(
            CommitRequest(
                .putLocation(Self.osaka, Self.settings(.cname(Self.zone))), by: .tester,
                requestID: "r"))
        #expect(try await dns(copy) == [nil, nil, .cname(Self.zone)])
        #expect(try await copy.verify(nil) { _ in }.isGood)
        await copy.close()
        try await clear(folder)
    }
}
