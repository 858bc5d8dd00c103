import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

/// Every start that is refused leaves the folder byte for byte as it was.
@Suite("A store that was put back", .timeLimit(.minutes(15))) struct ReturnedStoreTests {
    private let folder = StoreFolder()
    /// Where copies are taken from.
    private let other = StoreFolder()

    @Test(arguments: [true, false])
    func `as an older copy of its file is refused, until it has a new epoch`(hasLog: Bool)
        async throws
    {
        let early = try await folder.register("a.example")
        let copy = try Data(contentsOf: folder.file)
        let late = try await folder.register("b.example", "c.example")
        try copy.write(to: folder.file)
        if !hasLog { for suffix in ["-wal", "-shm"] { unlink(folder.file.path + suffix) } }
        try folder.expectRefusal(.mismatch(.rewound), head: early, mark: late)

        let lines = Shared<[String]>([])
        let store = try folder.open(
            acceptsRewind: true, logger: Logger(label: "test") { _ in LineLog(lines) })
        let head = try await store.head()
        #expect(head.epoch != early.epoch && head.revision == early.revision)
        #expect(
            lines.value.count == 1
                && lines.value.joined().contains(
                    "\(Position(epoch: late.epoch, revision: late.revision))")
        )
        #expect(lines.value.joined().contains("\(head.epoch)"))
        try await store.run(new("other.example"))
        await store.close()
        // And from then on there's nothing to accept.
        let again = try folder.open(
            acceptsRewind: true, logger: Logger(label: "test") { _ in LineLog(lines) })
        #expect(try await again.head().epoch == head.epoch)
        #expect(lines.value.count == 1)
        #expect(try await again.verify(nil) { _ in }.isGood)
        await again.close()
    }

    /// As it was while the service ran: file and log.
    @Test func `as an older copy of its file and its log is refused`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let early = try await store.head()
        let copy = StoreFolder(at: try folder.copyLive(folder))
        try await store.run(new("b.example"))
        let late = try await store.head()
        await store.close()
        for suffix in ["", "-wal"] {
            let place = URL(fileURLWithPath: folder.file.path + suffix)
            try Data(contentsOf: URL(fileURLWithPath: copy.file.path + suffix)).write(to: place)
        }
        try folder.expectRefusal(.mismatch(.rewound), head: early, mark: late)
    }

    @Test func `as a backup that somebody put there by hand is refused`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let backup = try await store.backup()
        try await store.run(new("b.example"))
        let late = try await store.head()
        await store.close()
        let file = try folder.write(backup)
        try Data(contentsOf: file).write(to: folder.file)
        try folder.expectRefusal(.mismatch(.rewound), head: backup.head, mark: late)
        // In a new folder too: nobody knows what came after it.
        try FileManager.default.createDirectory(at: other.url, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: file, to: other.file)
        try other.expectRefusal(.withoutMark, head: backup.head, mark: nil)
    }

    /// Backups of before there were marks are still about.
    @Test
    func `as a copy that doesn't say that it has a mark is refused, where its epoch is the mark's`()
        async throws
    {
        let early = try await folder.register("a.example")
        try await folder.unmark()
        let copy = try Data(contentsOf: folder.file)
        let late = try await folder.register("b.example")
        try copy.write(to: folder.file)
        try folder.expectRefusal(.mismatch(.rewound), head: early, mark: late)
    }

    @Test func `without the log that lay beside it is refused`() async throws {
        let store = try folder.open()
        try await store.run(batch("n", count: 10))
        try await store.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        let early = try await store.head()
        try await store.run(new("b.example"))
        let late = try await store.head()
        let crashed = StoreFolder(at: try folder.copyLive(folder))
        await store.close()
        for suffix in ["-wal", "-shm"] { unlink(crashed.file.path + suffix) }
        try crashed.expectRefusal(.mismatch(.rewound), head: early, mark: late)
    }

    /// The newest revisions are in the log, and the ones before them nowhere.
    @Test func `beside the log of a later file is refused, whatever is accepted`() async throws {
        let store = try folder.open()
        try await store.run(batch("n", count: 10))
        try await store.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        let copy = try Data(contentsOf: folder.file)
        for number in 0..<200 { try await store.run(batch("m\(number)-", count: 3)) }
        // Legitimate: the file is older than the log's beginning, and the log has everything since.
        let crashed = StoreFolder(at: try folder.copyLive(folder))
        try await store.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        try await store.run(new("late.example"))
        let mixed = StoreFolder(at: try folder.copyLive(folder))
        await store.close()
        await (try crashed.open()).close()

        try copy.write(to: mixed.file)
        unlink(mixed.file.path + "-shm")
        let before = try mixed.contents()
        for accepts in [false, true] {
            #expect(throws: StoreOpeningError.otherLog(file: mixed.file.path)) {
                _ = try mixed.open(acceptsRewind: accepts)
            }
        }
        #expect(throws: StoreOpeningError.self) { _ = try EpochRenewal.run(in: mixed.url) }
        #expect(try mixed.contents() == before)
    }

    @Test func `from another store is refused`() async throws {
        let mark = try await folder.register("a.example")
        let head = try await other.register("a.example", "b.example")
        try Data(contentsOf: other.file).write(to: folder.file)
        try folder.expectRefusal(.mismatch(.otherEpoch), head: head, mark: mark)
    }

    /// Two services that began with one folder.
    @Test func `after its log went another way is refused, at the marked revision and beyond`()
        async throws
    {
        _ = try await folder.register("a.example")
        let twin = StoreFolder(at: try folder.copyLive(folder))
        let mark = try await folder.register("b.example")
        for name in ["x.example", "y.example"] {
            let head = try await twin.register(name)
            try Data(contentsOf: twin.file).write(to: folder.file)
            try folder.expectRefusal(.mismatch(.otherDigest), head: head, mark: mark)
        }
    }

    @Test func `without a mark is refused`() async throws {
        let head = try await folder.register("a.example")
        unlink(folder.markPath)
        try folder.expectRefusal(.withoutMark, head: head, mark: nil)
        let store = try folder.open(acceptsRewind: true)
        #expect(try await store.head().epoch != head.epoch)
        await store.close()
        await (try folder.open()).close()
    }

    enum Damage: String, CaseIterable {
        case empty, cutOff, flipped, longer, other, link, pipe, folder
    }

    @Test(arguments: Damage.allCases)
    func `with a mark that can't be read is refused`(damage: Damage) async throws {
        let head = try await folder.register("a.example")
        let place = URL(fileURLWithPath: folder.markPath)
        var bytes = try Data(contentsOf: place)
        let elsewhere = folder.url.appendingPathComponent("elsewhere")
        if damage == .link { try bytes.write(to: elsewhere) }
        switch damage {
        case .empty: bytes = Data()
        case .cutOff: bytes.removeLast()
        case .flipped: bytes[bytes.count / 2] ^= 1
        case .longer: bytes += bytes
        case .other: bytes = Data("not a mark\n".utf8)
        case .link, .pipe, .folder: break
        }
        try bytes.write(to: place)
        switch damage {
        case .link:
            unlink(place.path)
            #expect(symlink("elsewhere", place.path) == 0)
        case .pipe:
            unlink(place.path)
            #expect(mkfifo(place.path, 0o600) == 0)
        case .folder:
            unlink(place.path)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        default: break
        }
        try folder.expectRefusal(.damagedMark, head: head, mark: nil)
        guard damage != .folder else { return }
        let renewed = try EpochRenewal.run(in: folder.url)
        #expect(renewed.epoch != head.epoch)
        let store = try folder.open()
        #expect(try await store.head() == renewed)
        await store.close()
    }

    @Test(arguments: [false, true])
    func `as nothing at all is refused, where there was something`(isEmpty: Bool) async throws {
        let mark = try await folder.register("a.example")
        if isEmpty { try Data().write(to: folder.file) } else { unlink(folder.file.path) }
        try folder.expectRefusal(.gone, head: nil, mark: mark)
        // A flag that was left on would make an empty registry of a volume that isn't mounted.
        #expect(throws: StoreOpeningError.self) { _ = try folder.open(acceptsRewind: true) }
        try folder.expectRefusal(.gone, head: nil, mark: mark)
        #expect {
            _ = try EpochRenewal.run(in: folder.url)
        } throws: { "\($0)".contains("says that there was one at \(mark.epoch).1") }
        unlink(folder.markPath)
        let store = try folder.open()
        let head = try await store.head()
        #expect(head.revision == .zero && head.epoch != mark.epoch)
        await store.close()
        await (try folder.open()).close()
    }
}
