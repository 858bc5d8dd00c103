import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

@Suite("A store that has come back and goes on", .timeLimit(.minutes(15))) struct RenewedStoreTests
{
    private let folder = StoreFolder()

    @Test func `isn't copied into another store, for its epoch would go along`() async throws {
        _ = try await folder.register("a.example")
        let copy = try Data(contentsOf: folder.file)
        _ = try await folder.register("b.example")
        try copy.write(to: folder.file)
        let before = try folder.contents()
        #expect(throws: StoreOpeningError.self) { _ = try SQLiteCopySource(folder: folder.url) }
        #expect(try folder.contents() == before)
        _ = try EpochRenewal.run(in: folder.url)
        try SQLiteCopySource(folder: folder.url).close()
    }

    @Test func `is as good as new once its epoch was renewed`() async throws {
        let early = try await folder.register("a.example")
        let copy = try Data(contentsOf: folder.file)
        _ = try await folder.register("b.example")
        try copy.write(to: folder.file)
        let renewed = try EpochRenewal.run(in: folder.url)
        #expect(renewed.revision == early.revision && renewed.epoch != early.epoch)
        #expect(folder.marks(renewed))
        // What was put back a second time, before anybody started, is noticed all the same.
        let good = try Data(contentsOf: folder.file)
        try copy.write(to: folder.file)
        try folder.expectRefusal(.mismatch(.otherEpoch), head: early, mark: renewed)
        try good.write(to: folder.file)
        #expect(try await folder.register("c.example").epoch == renewed.epoch)
    }

    /// Between the new epoch and the new mark.
    @Test(arguments: [true, false])
    func `is started after a renewal that was cut off`(hadMark: Bool) async throws {
        let early = try await folder.register("a.example")
        if !hadMark { unlink(folder.markPath) }
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in _ = try EpochRenewal.beginEpoch(db) }
        try shell.close()
        #expect(try await folder.register("b.example").epoch != early.epoch)
    }

    /// Between the new epoch that agents made necessary and its mark.
    @Test func `is started where it had been accepted, and that start was cut off`() async throws {
        let early = try await folder.register("a.example")
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    INSERT INTO agent (name, epoch, revision, first_seen, last_seen)
                    SELECT 'edge', epoch, revision + 1, 0, 0 FROM head
                    """)
            try AgentsCheck.run(
                db, accepts: true, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        try shell.close()
        #expect(try await folder.register("b.example").epoch != early.epoch)
    }

    @Test func `by a restore is started, and so is what the restore put aside`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let file = try folder.write(try await store.backup())
        try await store.run(new("b.example"))
        await store.close()
        for round in 0..<2 {
            let report = try await StoreRestore.run(
                file, into: folder.url, replacing: true,
                now: Timestamp(milliseconds: Int64(round)))
            #expect(folder.mark == StoreMarkFile.Contents.none)
            let head = try await folder.register("c.example")
            #expect(head.epoch == report.head.epoch && folder.marks(head))
            let kept = StoreFolder(at: try #require(report.kept))
            await (try kept.open()).close()
        }
    }

    @Test func `by a restore in the place of one that is gone is started`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let file = try folder.write(try await store.backup())
        await store.close()
        for suffix in ["", "-wal", "-shm"] { unlink(folder.file.path + suffix) }
        let report = try await StoreRestore.run(
            file, into: folder.url, replacing: false, now: Timestamp(milliseconds: 7))
        #expect(report.kept == nil)
        #expect(!(try folder.names().contains { $0.hasPrefix("replaced-") }))
        await (try folder.open()).close()
    }
}

extension StoreFolder {
    /// Every file's bytes, by name. What isn't a regular file is there with nothing in it. The index of the log isn't,
    /// nor is an empty log: SQLite makes them anew whenever it looks.
    func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try names() where name != "lock" && !name.hasSuffix("-shm") {
            var found = stat()
            let place = url.appendingPathComponent(name)
            guard lstat(place.path, &found) == 0 else { continue }
            guard !name.hasSuffix("-wal") || found.st_size > 0 else { continue }
            contents[name] =
                found.st_mode & S_IFMT == S_IFREG ? try Data(contentsOf: place) : Data()
        }
        return contents
    }

    /// Registers, and leaves the folder as a clean end does.
    func register(_ names: String...) async throws -> Head {
        let store = try open()
        for name in names { try await store.run(new(name)) }
        let head = try await store.head()
        await store.close()
        return head
    }

    private func position(_ head: Head) -> Position {
        Position(epoch: head.epoch, revision: head.revision)
    }

    /// - Parameter reason: why the start is refused.
    func expectRefusal(
        _ reason: ReturnedStore.Reason, head: Head?, mark: Head?,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try contents()
        let expected = ReturnedStore(
            folder: url.path, head: head.map(position), mark: mark.map(position),
            reason: reason)
        for _ in 0..<2 {
            #expect(throws: StoreOpeningError.returned(expected), sourceLocation: location) {
                _ = try open()
            }
        }
        #expect(try contents() == before, sourceLocation: location)
        let text = StoreOpeningError.returned(expected).description
        for position in [head, mark].compactMap({ $0.map(position) }) {
            #expect(text.contains("\(position)"), sourceLocation: location)
        }
        #expect(text.contains("--accept-rewind"), sourceLocation: location)
        #expect(
            text.contains("epoch renew --data-dir \(url.path)") == (reason != .gone),
            sourceLocation: location)
    }
}
