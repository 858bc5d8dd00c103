import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore
import Testing

@testable import SQLiteStore

@Suite("A store in trouble", .timeLimit(.minutes(15))) struct FailureTests {
    private let folder = StoreFolder()

    private func setPages(_ store: SQLiteStore, atMost limit: Int?) async throws {
        try await store.pool.writeWithoutTransaction { db in
            let now = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(limit ?? now)")
        }
    }

    @Test func `refuses writes on a full disk, reads on, and writes again when there is room`()
        async throws
    {
        let store = try folder.open()
        try await store.run(batch("old", count: 100))
        let head = try await store.head()
        try await setPages(store, atMost: nil)
        let key = IdempotencyKey(
            token: "t", key: "k", requestDigest: Array(repeating: 1, count: 32))
        for _ in 0..<3 {
            await #expect(throws: RegistryError.storageFull) {
                try await store.run(batch("new", count: 5_000), key: key)
            }
        }
        #expect(try await store.head() == head)
        #expect(try await store.replay(of: key) == nil)
        #expect(try await store.domain(fqdn("old7.example"), at: head.revision) != nil)
        #expect(
            try await store.domains(DomainQuery(DomainFilter(prefix: "new"))).value.items.isEmpty)
        #expect(folder.observed.value.count == 1)

        try await setPages(store, atMost: 1_000_000)
        let committed = try await store.run(batch("new", count: 5_000), key: key)
        #expect(committed.revision == head.revision.next)
        #expect(!committed.isReplay)
        #expect(folder.observed.value.count == 2)
        await store.close()
        let again = try folder.open()
        #expect(try await again.head().revision == head.revision.next)
        await again.close()
    }

    /// Opens a store whose file then goes bad under it: everything but the first page.
    private func brokenStore() async throws -> SQLiteStore {
        let store = try folder.open()
        try await store.run(batch("old", count: 2_000))
        await store.close()
        let broken = try folder.open()
        let file = try FileHandle(forUpdating: folder.file)
        let size = try file.seekToEnd()
        try file.seek(toOffset: 4_096)
        try file.write(contentsOf: Data(repeating: 0xFF, count: Int(size) - 4_096))
        try file.close()
        return broken
    }

    @Test func `acknowledges nothing after an error of the disk, and says that it is over`()
        async throws
    {
        let store = try await brokenStore()
        async let first: Void = store.waitForFailure()
        async let second: Void = store.waitForFailure()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    await #expect(throws: RegistryError.storeFailed) {
                        try await store.run(new("d\(index).example"))
                    }
                }
            }
        }
        await first
        await second
        await store.waitForFailure()
        await #expect(throws: RegistryError.storeFailed) {
            try await store.run(new("late.example"))
        }
        await #expect(throws: RegistryError.storeFailed) {
            try await store.note(tokenUses: [:])
        }
        #expect(folder.observed.value.count == 1, "only the write before")
        await store.close()
    }

    @Test func `is found out by a reader too`() async throws {
        let store = try await brokenStore()
        await #expect(throws: RegistryError.storeFailed) {
            try await store.domains(DomainQuery(limit: 10_000))
        }
        await store.waitForFailure()
        await #expect(throws: RegistryError.storeFailed) {
            try await store.run(new("late.example"))
        }
        await store.close()
    }

    @Test func `stays silent, although the disk is well again`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let error = DatabaseError(resultCode: .SQLITE_IOERR_FSYNC)
        #expect(store.writer.refusal(forRead: error) == .storeFailed)
        await store.waitForFailure()
        await #expect(throws: RegistryError.storeFailed) { try await store.run(new("b.example")) }
        await #expect(throws: RegistryError.storeFailed) {
            try await store.note(tokenUses: [:])
        }
        await store.close()
        let again = try folder.open()
        #expect(try await again.head().revision == Revision(1))
        await again.close()
    }

    @Test func `isn't one that was asked a wrong question, or asked after its end`() async throws {
        let store = try folder.open()
        await #expect(throws: RegistryError.inconsistent) {
            try await store.reading(.quick) { db in try db.execute(sql: "SELECT * FROM nowhere") }
        }
        try await store.run(new("a.example"))
        await store.close()
        await #expect(throws: RegistryError.self) { try await store.head() }
        await #expect(throws: RegistryError.self) { try await store.run(new("b.example")) }
    }

    @Test func `isn't one that somebody else keeps busy`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        try await store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA busy_timeout = 0")
        }
        var settings = Configuration()
        settings.allowsUnsafeTransactions = true
        let shell = try DatabaseQueue(path: folder.file.path, configuration: settings)
        try await shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        await #expect(throws: RegistryError.overloaded) { try await store.run(new("b.example")) }
        try await shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try shell.close()
        try await store.run(new("b.example"))
        await store.close()
    }
}
