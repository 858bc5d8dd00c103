import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

/// SQLite plays a log into whatever file it lies beside.
@Suite("A write-ahead log beside a file", .timeLimit(.minutes(15))) struct OtherLogTests {
    private let folder = StoreFolder()

    enum Mark: CaseIterable {
        case intact, missing, cutOff, otherEpoch, early
    }

    /// An older copy of the file beside the log of a later one, as a kill leaves it.
    ///
    /// - Parameters:
    ///   - lost: what was written between the copy and the log.
    ///   - clock: whether time goes on meanwhile.
    private func mixed(_ mark: Mark, _ lost: [Command], clock: Bool) async throws -> StoreFolder {
        let tick = { folder.clock.change { if clock { $0 = $0.adding(.seconds(1)) } } }
        let first = try folder.open()
        for number in 0..<3 { try await first.run(new("a\(number).example")) }
        await first.close()
        let copy = try Data(contentsOf: folder.file)
        let early = try Data(contentsOf: URL(fileURLWithPath: folder.markPath))
        let second = try folder.open()
        for command in lost {
            tick()
            try await second.run(command)
        }
        await second.close()
        let third = try folder.open()
        for number in 0..<3 {
            tick()
            try await third.run(new("late\(number).example"))
        }
        let mixed = StoreFolder(at: try folder.copyLive(folder))
        await third.close()
        try copy.write(to: mixed.file)
        unlink(mixed.file.path + "-shm")
        let place = URL(fileURLWithPath: mixed.markPath)
        switch mark {
        case .intact: break
        case .missing: unlink(place.path)
        case .cutOff: #expect(truncate(place.path, 100) == 0)
        case .early: try early.write(to: place)
        case .otherEpoch:
            let other = StoreFolder()
            let store = try other.open()
            try await store.run(new("x.example"))
            await store.close()
            try Data(contentsOf: URL(fileURLWithPath: other.markPath)).write(to: place)
        }
        return mixed
    }

    private func expectRefusal(_ folder: StoreFolder) throws {
        let files = ["", "-wal", "-mark"].map { URL(fileURLWithPath: folder.file.path + $0) }
        let before = files.map { try? Data(contentsOf: $0) }
        let error = StoreOpeningError.otherLog(file: folder.file.path)
        for accepts in [false, true] {
            #expect(throws: error) { _ = try folder.open(acceptsRewind: accepts) }
        }
        #expect(throws: error) { _ = try EpochRenewal.run(in: folder.url) }
        #expect(throws: error) { _ = try SQLiteCopySource(folder: folder.url) }
        #expect(files.map { try? Data(contentsOf: $0) } == before)
    }

    @Test(arguments: Mark.allCases, [true, false])
    func `of a later one is refused, whatever is known and accepted`(mark: Mark, clock: Bool)
        async throws
    {
        try expectRefusal(try await mixed(mark, [batch("n", count: 6000)], clock: clock))
    }

    /// The pages that the log has can hold all that the log of revisions says of them.
    @Test(arguments: Mark.allCases, [true, false])
    func `is refused where hardly anything is missing between the two`(mark: Mark, clock: Bool)
        async throws
    {
        try expectRefusal(
            try await mixed(mark, [new("b0.example"), new("b1.example")], clock: clock))
    }

    @Test(arguments: [false, true])
    func `is its own after a kill, though its mark is lost`(inGroups: Bool) async throws {
        let first = try folder.open()
        try await first.run(new("a.example"))
        await first.close()
        let store = try folder.open()
        for round in 0..<5 {
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
            let gate = DispatchSemaphore(value: 0)
            if inGroups {
                store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<(inGroups ? 20 : 1) {
                    group.addTask { try await store.run(new("n\(round)-\(number).example")) }
                }
                // Whether all of them are in one group or not, some are.
                gate.signal()
                try await group.waitForAll()
            }
            let head = try await store.head()
            let crashed = StoreFolder(at: try folder.copyLive(folder))
            unlink(crashed.markPath)
            let again = try crashed.open(acceptsRewind: true)
            #expect(try await again.head().digest == head.digest)
            #expect(try await again.verify(nil) { _ in }.isGood)
            await again.close()
        }
        await store.close()
    }

    @Test func `isn't looked for beside a link: a store's file that is one is refused`()
        async throws
    {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let backup = try folder.write(try await store.backup())
        await store.close()
        let elsewhere = StoreFolder()
        try FileManager.default.createDirectory(
            at: elsewhere.url, withIntermediateDirectories: false)
        for target in [folder.file.path, folder.url.path + "/nothing"] {
            unlink(elsewhere.file.path)
            #expect(symlink(target, elsewhere.file.path) == 0)
            let isRefused = { (error: any Error) in "\(error)".contains("is a link") }
            for accepts in [false, true] {
                #expect { _ = try elsewhere.open(acceptsRewind: accepts) } throws: { isRefused($0) }
            }
            #expect {
                try SQLiteCopyTarget(folder: elsewhere.url, now: elsewhere.clock.value).discard()
            } throws: { isRefused($0) }
            await #expect {
                _ = try await StoreRestore.run(
                    backup, into: elsewhere.url, replacing: true, now: elsewhere.clock.value)
            } throws: { isRefused($0) }
            guard target == folder.file.path else { continue }
            #expect { _ = try EpochRenewal.run(in: elsewhere.url) } throws: { isRefused($0) }
            #expect { _ = try SQLiteCopySource(folder: elsewhere.url) } throws: { isRefused($0) }
            await #expect {
                _ = try await SQLiteStore.verifyStopped(folder: elsewhere.url, nil) { _ in }
            } throws: { isRefused($0) }
        }
        #expect(!StoreFiles.exists(folder.url.path + "/nothing"))
        await (try folder.open()).close()
    }

    @Test func `that isn't in a backup is missed beside a link's target, too`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        let crashed = StoreFolder(at: try folder.copyLive(folder))
        await store.close()
        let link = folder.url.appendingPathComponent("link.sqlite")
        #expect(symlink(crashed.file.path, link.path) == 0)
        let target = StoreFolder()
        await #expect {
            _ = try await StoreRestore.run(
                link, into: target.url, replacing: false, now: target.clock.value)
        } throws: { "\($0)".contains("isn't whole without the log beside it") }
    }
}
