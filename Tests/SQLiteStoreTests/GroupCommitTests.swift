import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore
import Testing

@testable import SQLiteStore

@Suite("Requests at the same time", .timeLimit(.minutes(15))) struct GroupCommitTests {
    private let folder = StoreFolder()

    /// Counts what really became durable: SQLite's own commits.
    private final class CommitCount: TransactionObserver, Sendable {
        let commits = Shared(0)
        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
        func databaseDidChange(with event: DatabaseEvent) {}
        func databaseDidCommit(_ db: Database) { commits.change { $0 += 1 } }
        func databaseDidRollback(_ db: Database) {}
    }

    /// Holds the writer until every command has been sent, so that they meet in one group.
    private func sendTogether(
        _ commands: [Command], to store: SQLiteStore
    ) async -> [Int: Result<Committed, RegistryError>] {
        let gate = DispatchSemaphore(value: 0)
        let sent = Shared(0)
        store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
        return await withTaskGroup(of: (Int, Result<Committed, RegistryError>).self) { group in
            for (index, command) in commands.enumerated() {
                group.addTask {
                    sent.change { $0 += 1 }
                    do throws(RegistryError) {
                        return (index, .success(try await store.run(command)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            while sent.value < commands.count { await Task.yield() }
            gate.signal()
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test func `share commits`() async throws {
        let store = try folder.open()
        let count = CommitCount()
        store.pool.add(transactionObserver: count)
        let answers = await sendTogether((0..<400).map { new("d\($0).example") }, to: store)
        let revisions = answers.values.compactMap { try? $0.get().revision.number }
        #expect(revisions.sorted() == Array(1...400))
        #expect(count.commits.value >= 1)
        #expect(count.commits.value <= 20, "400 requests took \(count.commits.value) commits")
        #expect(folder.observed.value.map(\.revision.number) == Array(1...400))
        await store.close()
    }

    @Test func `don't wait for dry runs, nor these for them`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let gate = DispatchSemaphore(value: 0)
        store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
        async let write = store.run(new("b.example"))
        let selections: [Selection] = [
            .names([fqdn("a.example"), fqdn("b.example")]),
            .filter(DomainFilter(suffix: "example"), sample: nil),
        ]
        for selection in selections {
            let dry = try await store.run(
                .planMigration(
                    MigrationPlan(
                        id: "m", name: "n", from: LocationName(canonical: "japan"),
                        to: LocationName(canonical: "aws"), selection: selection, isDryRun: true)))
            guard case .migration(let plan) = dry.outcome else { throw RegistryError.inconsistent }
            #expect(plan.counts.eligible == 1)
            #expect(dry.revision == Revision(1))
        }
        gate.signal()
        #expect(try await write.revision == Revision(2))
        let planned = try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM migration")
        }
        #expect(planned == 0)
        await store.close()
    }

    @Test func `are refused one by one, and a refused one leaves nothing behind`() async throws {
        let store = try folder.open()
        try await store.run(new("taken.example"))
        let commands: [Command] = (0..<60).map { index in
            switch index % 3 {
            case 0: new("d\(index).example")
            case 1: new("taken.example")
            // The first row is written, then the schema refuses the second one.
            default:
                .registerBatch([
                    .wanted(NewDomain(fqdn: fqdn("half\(index).example"))),
                    .wanted(NewDomain(fqdn: fqdn("bad\(index).example"), tenant: "")),
                ])
            }
        }
        let answers = await sendTogether(commands, to: store)
        for (index, answer) in answers {
            switch index % 3 {
            case 0: #expect(throws: Never.self) { try answer.get() }
            case 1: #expect(answer == .failure(.domainTaken(fqdn("taken.example"))))
            default: #expect(answer == .failure(.inconsistent))
            }
        }
        let names = try await store.domains(DomainQuery(limit: 1_000)).value.items.map(\.fqdn.text)
        let kept = stride(from: 0, to: 60, by: 3).map { "d\($0).example" }
        #expect(names == (kept + ["taken.example"]).sorted())
        #expect(try await store.head().revision == Revision(21))
        #expect(folder.observed.value.count == 21)
        await store.close()
    }

    @Test func `are more than one group holds, and all answered`() async throws {
        let store = try folder.open()
        let count = CommitQueue.maximumGroup * 2 + 100
        let answers = await sendTogether((0..<count).map { new("d\($0).example") }, to: store)
        #expect(answers.values.allSatisfy { (try? $0.get()) != nil })
        #expect(try await store.head().revision.number == Int64(count))
        await store.close()
    }

    @Test func `are finished before the store closes`() async throws {
        let store = try folder.open()
        let gate = DispatchSemaphore(value: 0)
        let sent = Shared(0)
        store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
        let answers = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                group.addTask {
                    sent.change { $0 += 1 }
                    return (try? await store.run(new("d\(index).example"))) != nil
                }
            }
            while sent.value < 100 { await Task.yield() }
            gate.signal()
            await store.close()
            return await group.reduce(into: []) { $0.append($1) }
        }
        let again = try folder.open()
        let kept = try await again.head().revision.number
        #expect(answers.count == 100, "nobody waits for ever")
        #expect(kept == Int64(answers.count { $0 }), "what was answered is there, and no more")
        await again.close()
    }

    @Test func `aren't disturbed by one whose stored answer can't be read`() async throws {
        let key = IdempotencyKey(
            token: "t", key: "k", requestDigest: Array(repeating: 1, count: 32))
        let first = try folder.open()
        try await first.run(new("a.example"), key: key)
        await first.close()
        let shell = try folder.shell()
        try await shell.write { db in
            try db.execute(sql: "UPDATE idempotency SET outcome = '{\"ofTheFuture\":{}}'")
        }
        try shell.close()
        let store = try folder.open()
        await #expect(throws: RegistryError.inconsistent) {
            try await store.run(new("b.example"), key: key)
        }
        await #expect(throws: RegistryError.inconsistent) { try await store.replay(of: key) }
        try await store.run(new("b.example"))
        #expect(try await store.head().revision == Revision(2))
        await store.close()
    }

    @Test func `wait for maintenance, and are remembered by it`() async throws {
        let store = try folder.open()
        try await store.run(.createToken(token("a")))
        let digest = [UInt8](repeating: 1, count: 32)
        for number in 0..<3 {
            let key = IdempotencyKey(token: "t", key: "k\(number)", requestDigest: digest)
            try await store.run(new("d\(number).example"), key: key)
            folder.clock.change { $0 = $0.adding(.seconds(40_000)) }
        }
        let used = folder.clock.value
        try await store.note(tokenUses: ["a": used])
        #expect(try await store.forgetKeys(atMost: 9) == 1)
        let (keys, uses) = try await store.pool.read { db in
            (
                try String.fetchAll(db, sql: "SELECT key FROM idempotency ORDER BY key"),
                try Int64.fetchAll(db, sql: "SELECT last_used_at FROM token_use")
            )
        }
        #expect(keys == ["k1", "k2"], "120,000, 80,000 and 40,000 seconds old")
        #expect(uses == [used.milliseconds])
        await store.close()
    }
}
