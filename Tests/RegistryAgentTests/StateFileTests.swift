import Crypto
import DurableFiles
import Foundation
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("The state file") struct StateFileTests {
    private static let time = Timestamp(milliseconds: 1_700_000_000_123)

    private static func write(_ table: CompactRoutingTable, _ folder: TestFolder) throws -> URL {
        let file = folder.url.appendingPathComponent("snapshot")
        try StateFile.write(table.packed(), currentAt: time, to: file)
        return file
    }

    private static func domains(_ table: CompactRoutingTable, _ count: Int) throws -> [Domain?] {
        try table.find((0..<count).map { FQDN(canonical: "t\($0).kintone.com") }).value
    }

    @Test func `brings back the table as it was`() throws {
        let folder = try TestFolder()
        let table = sampleTable(3000)
        let file = try Self.write(table, folder)
        let copy = CompactRoutingTable()
        let load = copy.beginLoad()
        let contents = try #require(try StateFile.read(file, into: load))
        #expect(load.finish(at: contents.facts.position))
        #expect(contents.currentAt == Self.time)
        #expect(
            contents.facts == SnapshotFacts(position: try #require(table.position), count: 3000))
        #expect(try Self.domains(copy, 3000) == Self.domains(table, 3000))
        let name = FQDN(canonical: "t1.kintone.com")
        #expect(try copy.route(name).value == table.route(name).value)
        let (new, old) = (try copy.statistics().value, try table.statistics().value)
        #expect(new == old)
    }

    @Test func `is lines that other programs read too, and a checksum`() throws {
        let folder = try TestFolder()
        let table = sampleTable(3)
        let digest = try table.digest().value.0
        _ = try Self.write(table, folder)
        let lines = try folder.text("snapshot").split(separator: "\n")
        #expect(lines.count == 6)
        #expect(
            lines[0]
                == #"{"epoch":"epoch","revision":7,"count":3,"digest":"\#(digest)","locations":[{"name":"aws","upstream":"http://aws.internal:8080"},{"name":"japan","upstream":"http://japan.internal:8080"}]}"#
        )
        #expect(lines[1].hasPrefix(#"{"fqdn":"t0.kintone.com","location":"aws","mode":"serve""#))
        #expect(lines[4] == #"{"current_at":"2023-11-14T22:13:20.123Z"}"#)
        let body = lines.dropLast().map { $0 + "\n" }.joined()
        let sum = SHA256.hash(data: Data(body.utf8))
        #expect(
            lines[5] == "sha256:"
                + sum.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    }

    @Test func `is refused with any one byte changed`() throws {
        let folder = try TestFolder()
        let file = try Self.write(sampleTable(5), folder)
        let bytes = try Data(contentsOf: file)
        for place in bytes.indices {
            var torn = bytes
            torn[place] ^= UInt8.random(in: 1...255)
            try torn.write(to: file)
            #expect(throws: SnapshotRefusal.self, "byte \(place)") {
                try StateFile.read(file, into: CompactRoutingTable().beginLoad())
            }
        }
    }

    @Test func `is refused wherever it's cut off`() throws {
        let folder = try TestFolder()
        let file = try Self.write(sampleTable(5), folder)
        let bytes = try Data(contentsOf: file)
        for length in 0..<bytes.count {
            try bytes.prefix(length).write(to: file)
            #expect(throws: SnapshotRefusal.self, "\(length) bytes") {
                try StateFile.read(file, into: CompactRoutingTable().beginLoad())
            }
        }
        try (bytes + Data("x".utf8)).write(to: file)
        #expect(throws: SnapshotRefusal.self) {
            try StateFile.read(file, into: CompactRoutingTable().beginLoad())
        }
    }

    @Test func `needn't be there`() throws {
        let folder = try TestFolder()
        let file = folder.url.appendingPathComponent("snapshot")
        #expect(
            try StateFile.read(file, into: CompactRoutingTable().beginLoad())?.facts == nil)
    }

    @Test func `stays as it was where a new one can't be written`() throws {
        let folder = try TestFolder()
        let files = FileManager.default
        try files.createDirectory(
            atPath: folder.path("disk"), withIntermediateDirectories: false)
        try files.createSymbolicLink(
            atPath: folder.path("snapshot"), withDestinationPath: folder.path("disk/file"))
        let file = try Self.write(sampleTable(5), folder)
        let before = try Data(contentsOf: file)
        // The folder in which it lies is away.
        try files.moveItem(atPath: folder.path("disk"), toPath: folder.path("away"))
        #expect(throws: FileFailure.self) { try Self.write(sampleTable(6), folder) }
        try files.moveItem(atPath: folder.path("away"), toPath: folder.path("disk"))
        #expect(try Data(contentsOf: file) == before)
        #expect(try files.contentsOfDirectory(atPath: folder.path("disk")) == ["file"])
    }

    @Test func `belongs to one agent at a time`() throws {
        let folder = try TestFolder()
        let first = try StateFolder(folder.url)
        #expect(throws: StateFolder.UnusableFolder.self) { try StateFolder(folder.url) }
        withExtendedLifetime(first) {}
    }
}

@Suite("The keeper of the state file") struct StateKeeperTests {
    private static func keeper(
        _ table: CompactRoutingTable, _ folder: TestFolder, delay: Duration = .zero,
        retry: Duration = .milliseconds(1)
    ) -> (StateKeeper, AgentStatus) {
        let status = AgentStatus(table: table) { Timestamp(milliseconds: 1_700_000_000_000) }
        return (
            StateKeeper(
                table, status, file: folder.url.appendingPathComponent("snapshot"),
                delay: delay, retry: retry, logger: silent), status
        )
    }

    @Test func `writes after a change, and tries again where it can't`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(10)
        let (keeper, status) = Self.keeper(table, folder)
        let obstacle = folder.path("snapshot")
        try FileManager.default.createDirectory(
            atPath: obstacle, withIntermediateDirectories: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run() }
            status.take(.loaded(try #require(table.position), count: 10))
            keeper.wakeup.wake()
            try FileManager.default.removeItem(atPath: obstacle)
            try await eventually("written") {
                FileManager.default.fileExists(atPath: obstacle)
            }
            group.cancelAll()
        }
        let (next, status2) = Self.keeper(CompactRoutingTable(), folder)
        await next.load()
        #expect(status2.summary.currentAt == Timestamp(milliseconds: 1_700_000_000_000))
    }

    @Test func `writes the first table at once, and the next ones in their time`() async throws {
        let folder = try TestFolder()
        let table = CompactRoutingTable()
        let (keeper, status) = Self.keeper(table, folder, delay: .seconds(86_400))
        func saved() async -> Position? {
            let copy = CompactRoutingTable()
            await Self.keeper(copy, folder).0.load()
            return copy.position
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run() }
            load(table, 10, revision: 7)
            let first = try #require(table.position)
            status.take(.loaded(first, count: 10))
            keeper.wakeup.wake()
            try await eventually("the first is there") { await saved() == first }
            _ = table.apply(RevisionChanges(revision: Revision(8)))
            status.take(.applied(try #require(table.position), head: Revision(8)))
            keeper.wakeup.wake()
            // Another wake-up is taken in only once the first has been dealt with: it waits a day.
            #expect(await saved() == first)
            group.cancelAll()
        }
    }

    @Test func `leaves the table empty before a file that is torn`() async throws {
        let folder = try TestFolder()
        let (keeper, status) = Self.keeper(sampleTable(10), folder)
        status.started(currentAt: Timestamp(milliseconds: 5))
        await keeper.save()
        let file = folder.url.appendingPathComponent("snapshot")
        try Data(contentsOf: file).dropLast(100).write(to: file)
        let table = CompactRoutingTable()
        await Self.keeper(table, folder).0.load()
        #expect(table.position == nil)
    }
}
