import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

/// What a check says of a store that somebody has written into behind the service's back.
///
/// The log that is tampered with: 1 to 3 register a, b and c; 4 makes a token; 5 moves a; 6 is a batch of
/// 5; 7 revokes the token; 8 releases b; 9 changes the location aws; 10 and 11 make tokens; 12 releases c
/// and 13 restores it.
@Suite("Verifying a store") struct VerifyTests {
    let folder = StoreFolder()

    func fill() async throws {
        let store = try folder.open()
        let aws = LocationName(canonical: "aws")
        let settings = LocationSettings(
            upstream: UpstreamURL(canonical: "http://new-aws"), acceptsSignups: true,
            isDefaultForSignups: false)
        var reader = token("x")
        reader.role = .reader
        let commands: [Command] = [
            new("a.example", tenant: "acme"), new("b.example"), new("c.example"),
            .createToken(reader),
            .change(fqdn("a.example"), DomainPatch(location: aws), ifMatch: nil),
            batch("n", count: 5), .revokeToken(id: "x"), .release(fqdn("b.example"), ifMatch: nil),
            .putLocation(aws, settings), .createToken(token("y")), .createToken(token("z")),
            .release(fqdn("c.example"), ifMatch: nil), .restore(fqdn("c.example")),
        ]
        for command in commands {
            try await store.run(command)
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
        }
        await store.close()
    }

    func verify(_ noted: NotedDigest? = nil) async throws -> Verification {
        try await SQLiteStore.verifyStopped(folder: folder.url, noted) { _ in }
    }

    /// Writes what the schema refuses: without its triggers, which are put back as they were.
    func tamper(_ sql: String...) async throws {
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in
            let triggers = try Row.fetchAll(
                db, sql: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            for trigger in triggers {
                try db.execute(sql: "DROP TRIGGER \(trigger["name"] as String)")
            }
            for statement in sql { try db.execute(sql: statement) }
            for trigger in triggers { try db.execute(sql: trigger["sql"]) }
        }
        try shell.close()
    }

    func expect(
        _ revision: Int64?, _ what: String, _ noted: NotedDigest? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await verify(noted)
        #expect(!result.isGood, sourceLocation: place)
        #expect(result.firstBadRevision == revision.map { Revision($0) }, sourceLocation: place)
        #expect(result.what.contains(what), "\(result.what)", sourceLocation: place)
    }

    @Test func `finds nothing in one that nobody touched, running or stopped`() async throws {
        try await fill()
        let stopped = try await verify()
        #expect(stopped.isGood && stopped.what.isEmpty)
        let store = try folder.open()
        let head = try await store.head()
        let running = try await store.verify(nil) { _ in }
        #expect(running == stopped)
        #expect(running.revision == Revision(13) && running.digest == head.digest)
        #expect(running.extent.revisions == 13 && running.extent.changes == 17)
        #expect(running.extent.domains == 8)
        await store.close()
    }

    @Test func `finds nothing in an empty one`() async throws {
        await (try folder.open()).close()
        let result = try await verify()
        #expect(result.isGood && result.revision == .zero)
        #expect(result.digest == RevisionDigest.genesis)
    }

    @Test func `leaves the file as it is, and the folder to others`() async throws {
        try await fill()
        let before = try Data(contentsOf: folder.file)
        #expect(try await verify().isGood)
        #expect(try Data(contentsOf: folder.file) == before)
        let store = try folder.open()
        await #expect(throws: StoreOpeningError.self) { try await verify() }
        await store.close()
        let nothing = folder.url.appendingPathComponent("nothing")
        await #expect(throws: StoreOpeningError.self) {
            try await SQLiteStore.verifyStopped(folder: nothing, nil) { _ in }
        }
        #expect(!FileManager.default.fileExists(atPath: nothing.path))
    }

    // MARK: Beside others

    @Test func `goes on over long revisions, and while others write`() async throws {
        let store = try folder.open()
        try await store.run(batch("many", count: 25_000))
        for number in 0..<200 { try await store.run(new("one\(number).example")) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<300 {
                    let name = fqdn("many\(number * 7).example")
                    try await store.run(.release(name, ifMatch: nil))
                    if number % 2 == 0 { try await store.run(.restore(name)) }
                    try await store.run(new("late\(number).example"))
                }
            }
            for _ in 0..<4 {
                group.addTask {
                    let seen = Shared<[VerificationProgress]>([])
                    let result = try await store.verify(nil) { step in
                        seen.change { $0.append(step) }
                    }
                    #expect(result.isGood, "\(result.what)")
                    #expect(result.revision >= Revision(201))
                    #expect(result.extent.changes >= 25_200)
                    // In steps: nobody waits for the whole of it.
                    #expect(seen.value.count > 10)
                    let counts = seen.value.map(\.extent.changes)
                    #expect(counts == counts.sorted())
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.verify(nil) { _ in }.isGood)
        await store.close()
        try await tamper(
            "UPDATE change_log SET after_tenant = 'evil' WHERE revision = 1 AND position = 19999")
        try await expect(1, "isn't what its digest was computed over")
    }

    @Test func `stops when its task is cancelled`() async throws {
        let store = try folder.open()
        try await store.run(batch("many", count: 30_000))
        let steps = Shared(0)
        let task = Task {
            try await store.verify(nil) { _ in
                steps.change { $0 += 1 }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: RegistryError.self) { try await task.value }
        #expect(steps.value < 3)
        await store.close()
    }

    @Test(
        arguments: [
            ("5:sha256:\(String(repeating: "0a", count: 32))", 5),
            ("0:\(String(repeating: "AB", count: 32))", 0), ("5", nil), ("", nil),
            ("x:sha256:00", nil),
            ("5:sha256:", nil), ("-1:\(String(repeating: "00", count: 32))", nil),
            ("5:sha256:\(String(repeating: "0", count: 63))", nil),
            ("5:\(String(repeating: "0g", count: 32))", nil),
        ] as [(String, Int64?)])
    func `reads a noted digest`(text: String, revision: Int64?) {
        #expect(NotedDigest(text)?.revision.number == revision)
    }
}
