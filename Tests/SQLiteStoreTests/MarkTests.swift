import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

@Suite("The mark beside a store", .timeLimit(.minutes(15))) struct MarkTests {
    private let folder = StoreFolder()

    @Test func `is at the head after every commit, and at the end`() async throws {
        let store = try folder.open()
        #expect(folder.marks(try await store.head()))
        let version = try await store.pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
        #expect(version == 1)
        for number in 0..<20 {
            try await store.run(new("n\(number).example"))
            #expect(folder.marks(try await store.head()))
        }
        await #expect(throws: RegistryError.self) { try await store.run(new("n1.example")) }
        await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask { try await store.run(new("m\(number % 40).example")) }
            }
            while let result = await group.nextResult() { _ = try? result.get() }
        }
        let head = try await store.head()
        #expect(head.revision == Revision(60) && folder.marks(head))
        await store.close()
        #expect(folder.marks(head))
        var found = stat()
        #expect(stat(folder.markPath, &found) == 0 && found.st_mode & 0o777 == 0o600)
    }

    @Test func `stands beside a file that is whole without its log, at the end`() async throws {
        let store = try folder.open()
        try await store.run(batch("n", count: 100))
        let head = try await store.head()
        await store.close()
        for suffix in ["-wal", "-shm"] { unlink(folder.file.path + suffix) }
        let again = try folder.open()
        #expect(try await again.head() == head)
        await again.close()
    }

    @Test func `is written at the end whoever reads the log meanwhile`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        var settings = GRDB.Configuration()
        settings.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: folder.file.path, configuration: settings)
        try await reader.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN; SELECT * FROM head")
        }
        try await store.run(new("b.example"))
        let head = try await store.head()
        await store.close()
        #expect(folder.marks(head))
        try reader.close()
        let again = try folder.open()
        #expect(try await again.head() == head)
        await again.close()
    }

    /// What is told of a revision has it marked already.
    @Test func `is there before anybody hears of a revision`() async throws {
        let seen = Shared<[Int64]>([])
        let path = folder.markPath
        let store = try SQLiteStore(
            .init(folder: folder.url, quarantine: .zero, now: { Timestamp(milliseconds: 1) }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { changes in
            guard case .mark(let mark) = try? StoreMarkFile.read(path) else { return }
            seen.change { $0.append(mark.revision.number - changes.revision.number) }
        }
        for number in 0..<5 { try await store.run(new("n\(number).example")) }
        await store.close()
        #expect(seen.value == [0, 0, 0, 0, 0])
    }

    @Test func `keeps nobody from starting again, after an end and after a kill`() async throws {
        for round in 0..<3 {
            let store = try folder.open()
            try await store.run(new("n\(round).example"))
            let crashed = StoreFolder(at: try folder.copyLive(folder))
            let again = try crashed.open()
            #expect(try await again.head() == (try await store.head()))
            await again.close()
            await store.close()
        }
    }

    @Test func `that can't be written keeps nobody from committing, and is complained of once`()
        async throws
    {
        let lines = Shared<[String]>([])
        let store = try folder.open(logger: Logger(label: "test") { _ in LineLog(lines) })
        try await store.run(new("a.example"))
        let marked = try await store.head()
        store.mark.close()
        for name in ["b", "c", "d"] { try await store.run(new("\(name).example")) }
        await store.close()
        #expect(lines.value.count == 1 && lines.value.joined().contains("stays behind"))
        #expect(folder.marks(marked))
        let again = try folder.open()
        #expect(try await again.head().revision == Revision(4))
        #expect(folder.marks(try await again.head()))
        await again.close()
    }

    @Test func `may be of a time before an older release went on with the file`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let early = try Data(contentsOf: URL(fileURLWithPath: folder.markPath))
        try await store.run(batch("n", count: 10))
        await store.close()
        try early.write(to: URL(fileURLWithPath: folder.markPath))
        await (try folder.open()).close()
    }

    @Test func `comes to a store that has had none`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let head = try await store.head()
        await store.close()
        try await folder.unmark()
        unlink(folder.markPath)
        let again = try folder.open()
        #expect(try await again.head() == head && folder.marks(head))
        await again.close()
    }

    /// Its epoch is new, as after a restore that an older release made, or one that was cut off.
    @Test func `of another epoch isn't that of a store that doesn't say that it has one`()
        async throws
    {
        let store = try folder.open()
        try await store.run(new("a.example"))
        await store.close()
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in _ = try EpochRenewal.beginEpoch(db) }
        try shell.close()
        let again = try folder.open()
        #expect(folder.marks(try await again.head()))
        await again.close()
    }

    @Test func `goes along with a copy of the whole folder`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        await store.close()
        let copy = StoreFolder(at: try folder.copyLive(folder))
        await (try copy.open()).close()
        await (try folder.open()).close()
    }

    @Test func `is gone where the store is copied into its folder`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        await store.close()
        let target = StoreFolder()
        let lost = try target.open()
        try await lost.run(batch("n", count: 10))
        await lost.close()
        unlink(target.file.path)
        let source = try SQLiteCopySource(folder: folder.url)
        let copy = try SQLiteCopyTarget(folder: target.url, now: Timestamp(milliseconds: 1))
        _ = try await CopyRun(from: source, to: copy) { _, _ in }.run()
        source.close()
        await (try target.open()).close()
    }
}

extension StoreFolder {
    var markPath: String { StoreMarkFile.path(beside: file.path) }
    var mark: StoreMarkFile.Contents? { try? StoreMarkFile.read(markPath) }

    /// Whether the mark is at a head.
    func marks(_ head: Head) -> Bool {
        guard case .mark(let mark) = mark else { return false }
        return mark.position == Position(epoch: head.epoch, revision: head.revision)
            && mark.digest == head.digest
    }

    /// As a release before marks would have left the file.
    func unmark() async throws {
        let shell = try shell()
        try await shell.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 0") }
        try shell.close()
    }
}

/// Keeps what is logged.
struct LineLog: LogHandler {
    private let lines: Shared<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(_ lines: Shared<[String]>) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.change { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
