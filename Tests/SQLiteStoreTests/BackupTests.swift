import Foundation
import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

@Suite("A backup", .timeLimit(.minutes(15))) struct BackupTests {
    private let folder = StoreFolder()
    private let elsewhere = StoreFolder()

    @Test func `is whole and sound while writers go on`() async throws {
        let store = try folder.open()
        try await store.run(batch("n", count: 3000))
        let before = try await store.head().revision
        let copies = try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<100 {
                        try await store.run(new("w\(writer)-\(number).example"))
                    }
                }
            }
            var copies: [StoreCopy] = []
            for _ in 0..<3 { copies.append(try await store.backup()) }
            try await group.waitForAll()
            return copies
        }
        for copy in copies {
            #expect(copy.head.revision >= before)
            let file = try elsewhere.write(copy)
            let found = try await SQLiteStore.verifyBackup(file) { _ in }
            #expect(found.isGood && found.revision == copy.head.revision)
            #expect(found.digest == copy.head.digest)
        }
        #expect(copies.map(\.head.revision.number).max() != before.number, "writers went on")
        await store.close()
    }

    @Test func `leaves nothing in the folder, and a killed one's rest goes at the next start`()
        async throws
    {
        let store = try folder.open()
        let names = try folder.names()
        let copy = try await store.backup()
        #expect(try folder.names() == names)
        #expect(try copy.read(0, 15) == Array("SQLite format 3".utf8))
        #expect(try copy.read(copy.byteCount, 10).isEmpty)
        await store.close()
        let rest = folder.url.appendingPathComponent("x\(CopyFile.suffix)")
        try Data([1]).write(to: rest)
        await (try folder.open()).close()
        #expect(!FileManager.default.fileExists(atPath: rest.path))
    }

    @Test func `is made one at a time`() async throws {
        let store = try folder.open()
        #expect(store.copying.tryEnter())
        await #expect(throws: RegistryError.backupRunning) { _ = try await store.backup() }
        store.copying.leave()
        _ = try await store.backup()
        _ = try await store.backup()
        await store.close()
    }
}

extension BackupTests {
    /// The store that stands there is to be replaced, and mustn't be opened.
    @Test func `that shall take a store's place isn't passed over where that can't be read`()
        async throws
    {
        let folder = StoreFolder()
        await (try folder.open()).close()
        let pending = folder.url.appendingPathComponent(StoreRestore.pendingName)
        try FileManager.default.createDirectory(at: pending, withIntermediateDirectories: false)
        #expect(throws: StoreOpeningError.self) { _ = try folder.open() }
        #expect(throws: StoreOpeningError.self) { _ = try EpochRenewal.run(in: folder.url) }
    }
}

extension StoreFolder {
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    }

    /// Takes a copy away, as a client does.
    func write(_ copy: StoreCopy) throws -> URL {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("backup-\(UUID().uuidString).sqlite")
        keep(file)
        var bytes: [UInt8] = []
        while bytes.count < copy.byteCount {
            bytes += try copy.read(Int64(bytes.count), 100_000)
        }
        try Data(bytes).write(to: file)
        return file
    }

    /// A folder as it would be found if its process were killed now.
    func copyLive(_ other: StoreFolder) throws -> URL {
        let copy = FileManager.default.temporaryDirectory
            .appendingPathComponent("crashed-\(UUID().uuidString)")
        keep(copy)
        try FileManager.default.copyItem(at: other.url, to: copy)
        return copy
    }
}
