import DurableFiles
import Foundation
import PostgresServer
import PostgresStore
import RegistryLedger
import RegistryModel
import Testing

@Suite("A database that was put back", .timeLimit(.minutes(15))) struct RewindTests {
    /// A node's own folder.
    private final class Folder: Sendable {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("node-mark-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        var path: String { url.appendingPathComponent("mark").path }

        func mark() throws -> StoreMark? {
            guard case .mark(let mark) = try StoreMarkFile.read(path) else { return nil }
            return mark
        }
    }

    private static func open(
        _ database: TestDatabase, _ folder: Folder?, accepting: Bool = false, follows: Bool = false
    ) async throws -> Node {
        try await Node(database.url, follows: follows) {
            $0.mark = folder?.path
            $0.acceptsRewind = accepting
        }
    }

    /// What the start is refused with; nil: it isn't.
    private static func refusal(
        _ database: TestDatabase, _ folder: Folder?
    ) async throws -> String? {
        do {
            let node = try await open(database, folder)
            await node.store.close()
            return nil
        } catch let error as PostgresOpeningError {
            guard case .rewound = error else { throw error }
            #expect(!error.isPassing, "waiting doesn't help")
            return "\(error)"
        }
    }

    /// Puts a database into the state in which it's now, when `body` is done.
    private static func puttingBack(
        _ database: TestDatabase, _ body: () async throws -> Void
    ) async throws {
        let copy = "copy_\(UUID().uuidString)"
        try await database.server.makeDatabase(copy, like: database.name)
        try await body()
        try await database.drop()
        try await database.server.makeDatabase(database.name, like: copy)
        try await database.server.dropDatabase(copy)
    }

    private static func write(
        _ database: TestDatabase, _ folder: Folder?, _ names: String...
    ) async throws {
        let node = try await open(database, folder)
        for name in names { try await node.run(new(name)) }
        await node.store.close()
    }

    private static func head(_ database: TestDatabase) async throws -> [String?] {
        try await database.run("SELECT epoch, revision FROM head")[0]
    }

    @Test func `is refused by a node that has seen more of it, until somebody says so`()
        async throws
    {
        let (database, folder) = (try await TestDatabase(), try Folder())
        try await Self.write(database, folder, "a.example")
        try await Self.puttingBack(database) {
            try await Self.write(database, folder, "b.example", "c.example")
        }
        let before = try await Self.head(database)
        let refusal = try #require(try await Self.refusal(database, folder))
        for part in ["revision 3", "revision 1", before[0] ?? "?", "--accept-rewind", "renew"] {
            #expect(refusal.contains(part), "\(part) in \(refusal)")
        }
        #expect(try await Self.refusal(database, folder) == refusal, "as often as it's asked")
        #expect(try await Self.head(database) == before)
        // Who isn't the node asks what it has seen, and leaves that alone.
        let seen = try folder.mark()
        await #expect(throws: PostgresOpeningError.self) {
            _ = try await Node(database.url, follows: false) {
                $0.mark = folder.path
                $0.keepsMark = false
            }
        }
        #expect(try folder.mark() == seen)
        #expect(try await Self.refusal(database, Folder()) == nil, "a node that has seen nothing")

        let node = try await Self.open(database, folder, accepting: true)
        let now = try await node.store.head()
        #expect(now.epoch.text != before[0] && now.revision == Revision(1))
        #expect(try folder.mark() == StoreMark(now))
        await node.store.close()
        let again = try await Self.open(database, folder, accepting: true)
        #expect(try await again.store.head() == now, "nothing is wrong any more")
        await again.store.close()
        let kept = try folder.mark()
        let guest = try await Node(database.url, follows: false) {
            $0.mark = folder.path
            $0.keepsMark = false
        }
        try await guest.run(new("guest.example"))
        await guest.store.close()
        #expect(try folder.mark() == kept)
        #expect(try await Self.refusal(database, folder) == nil)
        try await database.drop()
    }

    /// Whatever stands in their place: as many revisions, or more.
    @Test(arguments: [2, 3])
    func `is refused where its log went another way`(revisions: Int) async throws {
        let (database, folder) = (try await TestDatabase(), try Folder())
        try await Self.write(database, folder, "a.example")
        try await Self.puttingBack(database) {
            try await Self.write(database, folder, "b.example")
        }
        for number in 2...revisions {
            try await Self.write(database, nil, "other\(number).example")
        }
        let refusal = try await Self.refusal(database, folder)
        #expect(refusal?.contains("revision 2") == true, "\(refusal ?? "nothing")")
        #expect(refusal?.contains("another way") == true, "\(refusal ?? "nothing")")
        try await database.drop()
    }

    @Test func `by our own means has another epoch, and is taken`() async throws {
        let (database, folder) = (try await TestDatabase(), try Folder())
        try await Self.write(database, folder, "a.example")
        try await Self.puttingBack(database) {
            try await Self.write(database, folder, "b.example")
        }
        let renewed = try await PostgresStore.renewEpoch(ConnectionSettings(url: database.url))
        #expect(try await Self.refusal(database, folder) == nil)
        #expect(try folder.mark() == StoreMark(renewed))
        // Somebody else's database.
        let other = try await TestDatabase()
        #expect(try await Self.refusal(other, folder) == nil)
        let elsewhere = try await Self.head(other)
        #expect(try folder.mark()?.epoch.text == elsewhere[0])
        for database in [database, other] { try await database.drop() }
    }

    @Test func `is renewed once by all nodes that start with it`() async throws {
        let database = try await TestDatabase()
        let folders = try (0..<4).map { _ in try Folder() }
        for folder in folders { try await Self.write(database, folder) }
        try await Self.puttingBack(database) {
            for folder in folders {
                try await Self.write(database, folder, "\(UUID().uuidString.lowercased()).example")
            }
        }
        let before = try await Self.head(database)
        let epochs = try await withThrowingTaskGroup(of: Epoch.self) { group in
            for folder in folders {
                group.addTask {
                    let node = try await Self.open(database, folder, accepting: true)
                    // One that has begun is never overtaken by another's new epoch.
                    let epoch = try await node.store.head().epoch
                    await node.store.close()
                    return epoch
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(epochs.count == 1 && epochs.first?.text != before[0])
        #expect(try await Self.head(database)[0] == epochs.first?.text)
        try await database.drop()
    }

    @Test func `is known from what a node has seen, also when it's killed`() async throws {
        let (database, folder) = (try await TestDatabase(), try Folder())
        let node = try await Self.open(database, folder, follows: true)
        let start = try await node.store.head()
        #expect(try folder.mark() == StoreMark(start))
        try await node.run(new("a.example"))
        let own = try await node.store.head()
        try await poll("its own commit in the mark") { try folder.mark() == StoreMark(own) }
        try await Self.write(database, nil, "b.example")
        let others = try await node.store.head()
        try await poll("another's commit in the mark") { try folder.mark() == StoreMark(others) }
        // The last word comes at the end, without waiting for anything.
        try await node.run(new("c.example"))
        let last = try await node.store.head()
        await node.store.close()
        #expect(try folder.mark() == StoreMark(last))
        try await database.drop()
    }

    @Test func `isn't missed by a mark that can't be read, and the node does without`()
        async throws
    {
        let (database, folder) = (try await TestDatabase(), try Folder())
        try await Self.write(database, folder, "a.example")
        try Data("tenant-registry mark 1 torn".utf8).write(to: URL(fileURLWithPath: folder.path))
        #expect(try await Self.refusal(database, folder) == nil)
        let mark = try #require(try folder.mark(), "it's made anew")
        let head = try await Self.head(database)
        #expect(mark.epoch.text == head[0])
        // No place for one: a folder in its place.
        try FileManager.default.removeItem(atPath: folder.path)
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false)
        try await Self.write(database, folder, "b.example")
        #expect(try await Self.head(database)[1] == "2")
        try await database.drop()
    }

    @Test func `after a failover is the same one, unless it has lost something`() async throws {
        let (database, folder) = (try await TestDatabase(), try Folder())
        try await Self.write(database, folder, "a.example")
        try await Self.puttingBack(database) {}
        #expect(try await Self.refusal(database, folder) == nil, "another server, the same log")
        try await Self.write(database, nil, "b.example")
        #expect(try await Self.refusal(database, folder) == nil, "one that has gone on")
        try await database.drop()
    }
}
