import Foundation
import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

@Suite("A restored store", .timeLimit(.minutes(15))) struct RestoreTests {
    private let folder = StoreFolder()
    private let target = StoreFolder()

    /// A store with domains, tokens and agents, and a backup of it.
    private func backup() async throws -> (URL, Head) {
        let store = try folder.open()
        try await store.run(.createToken(token("admin")))
        try await store.run(batch("n", count: 100))
        let edge = AgentReport(AgentName(canonical: "edge"), applied: nil)
        _ = try await store.note([edge], limit: 1)
        let copy = try await store.backup()
        let file = try folder.write(copy)
        await store.close()
        return (file, copy.head)
    }

    private func restore(_ file: URL, replacing: Bool = false) async throws -> StoreRestore.Report {
        try await StoreRestore.run(
            file, into: target.url, replacing: replacing, now: Timestamp(milliseconds: 77))
    }

    private func sound(_ folder: StoreFolder) async throws -> Verification {
        try await SQLiteStore.verifyStopped(folder: folder.url, nil) { _ in }
    }

    @Test func `has everything that was there, and an epoch of its own`() async throws {
        let (file, head) = try await backup()
        let report = try await restore(file)
        #expect(report.head.epoch != head.epoch && report.kept == nil)
        #expect(try await sound(target).isGood)
        let store = try target.open()
        let now = try await store.head()
        #expect(now == report.head && now.revision == head.revision && now.digest == head.digest)
        #expect(try await store.domains(DomainQuery(limit: 1000)).value.items.count == 100)
        #expect(try await store.tokens(after: nil, limit: 9).value.items.map(\.id) == ["admin"])
        #expect(try await store.agents().map(\.name.text) == ["edge"])
        await store.close()
    }

    @Test func `goes on where the log ended, and the past keeps its epoch`() async throws {
        let (file, head) = try await backup()
        let report = try await restore(file)
        let store = try target.open()
        let next = try await store.run(new("later.example"))
        #expect(next.revision == head.revision.next)
        let items = try await store.history(HistoryQuery(limit: 1000)).value.items
        #expect(items.first?.header.epoch == report.head.epoch)
        #expect(items.last?.header.epoch == head.epoch)
        await store.close()
        let found = try await sound(target)
        #expect(found.isGood && found.revision == next.revision)
        // And once more from there.
        let again = try target.open()
        let second = try folder.write(try await again.backup())
        await again.close()
        let third = try await restore(second, replacing: true)
        #expect(third.head.epoch != report.head.epoch)
        #expect(try await sound(target).isGood)
    }

    @Test func `takes no other's place unless it's told to, and then puts that aside whole`()
        async throws
    {
        let (file, _) = try await backup()
        let old = try target.open()
        try await old.run(new("old.example"))
        let epoch = try await old.head().epoch
        await #expect(throws: StoreOpeningError.self, "in use") { _ = try await restore(file) }
        await #expect(throws: StoreOpeningError.self, "in use") {
            _ = try await restore(file, replacing: true)
        }
        // As after a kill: what was written last is only in the log beside the file.
        let crashed = try folder.copyLive(target)
        await old.close()
        try FileManager.default.removeItem(at: target.url)
        try FileManager.default.moveItem(at: crashed, to: target.url)
        let before = try target.names()
        #expect(before.contains("registry.sqlite-wal"))

        await #expect(throws: StoreOpeningError.self, "there is one") {
            _ = try await restore(file)
        }
        #expect(try target.names() == before)
        let kept = try #require(try await restore(file, replacing: true).kept)
        #expect(!(try target.names().contains("registry.sqlite-wal")))
        let store = try target.open()
        #expect(try await store.domains(DomainQuery(limit: 1000)).value.items.count == 100)
        await store.close()
        let aside = StoreFolder(at: kept)
        let again = try aside.open()
        #expect(try await again.head().epoch == epoch)
        #expect(
            try await again.domains(DomainQuery()).value.items.map(\.fqdn.text) == ["old.example"])
        await again.close()
    }

    enum Damage: String, CaseIterable {
        case cutOff, flipped, changedRow, foreign, empty, missing
    }

    @Test(arguments: Damage.allCases)
    func `isn't made from a file that isn't sound`(damage: Damage) async throws {
        let (file, _) = try await backup()
        var bytes = try Data(contentsOf: file)
        switch damage {
        case .cutOff: bytes.removeLast(bytes.count / 2)
        case .flipped:
            // A page's beginning: what lies further on may be room that nobody has taken.
            let page = bytes.count / 2 / 4096 * 4096
            for place in page..<page + 64 { bytes[place] ^= 0xFF }
        case .foreign: bytes = Data("not a database, but long enough for a header".utf8)
        case .empty: bytes = Data()
        case .changedRow, .missing: break
        }
        try bytes.write(to: file)
        if damage == .missing { try FileManager.default.removeItem(at: file) }
        if damage == .changedRow {
            let shell = try DatabaseQueue(path: file.path)
            try await shell.write { db in
                try db.execute(sql: "UPDATE domain SET location = 'aws' WHERE fqdn = 'n7.example'")
            }
            try shell.close()
        }
        let old = try target.open()
        try await old.run(new("old.example"))
        await old.close()
        let before = try target.names()
        await #expect(throws: StoreOpeningError.self) {
            _ = try await restore(file, replacing: true)
        }
        #expect(try target.names() == before)
        let store = try target.open()
        #expect(try await store.domains(DomainQuery()).value.items.count == 1)
        await store.close()
    }

    /// What a power cut can leave: after each step that the disk has seen.
    @Test(arguments: 0...6)
    func `is finished by the next start wherever it was cut off`(steps: Int) async throws {
        let (file, head) = try await backup()
        let old = try target.open()
        try await old.run(new("old.example"))
        let crashed = try folder.copyLive(target)
        await old.close()
        try FileManager.default.removeItem(at: target.url)
        try FileManager.default.moveItem(at: crashed, to: target.url)

        let place = { (name: String) in target.url.appendingPathComponent(name) }
        let kept = place("replaced-77")
        try FileManager.default.copyItem(at: file, to: place(StoreRestore.incomingName))
        _ = try StoreRestore.beginEpoch(in: place(StoreRestore.incomingName))
        let all: [() throws -> Void] = [
            { try Data("replaced-77".utf8).write(to: place(StoreRestore.pendingName)) },
            {
                try StoreFiles.makeFolder(kept)
                try StoreFiles.rename(
                    target.file.path, kept.appendingPathComponent("registry.sqlite").path)
            },
            {
                try StoreFiles.rename(
                    target.file.path + "-wal",
                    kept.appendingPathComponent("registry.sqlite-wal").path)
            },
            {
                try StoreFiles.rename(
                    target.file.path + "-mark",
                    kept.appendingPathComponent("registry.sqlite-mark").path)
            },
            {
                unlink(target.file.path + "-shm")
                try StoreFiles.rename(
                    place(StoreRestore.incomingName).path, target.file.path)
            },
            { try FileManager.default.removeItem(at: place(StoreRestore.pendingName)) },
        ]
        for step in all.prefix(steps) { try step() }

        let store = try target.open()
        let names = try await store.domains(DomainQuery(limit: 1000)).value.items.count
        if steps == 0 {
            #expect(names == 1, "nothing was decided")
        } else {
            #expect(names == 100)
            #expect(try await store.head().revision == head.revision)
            #expect(!FileManager.default.fileExists(atPath: place(StoreRestore.pendingName).path))
        }
        await store.close()
        #expect(try await sound(target).isGood)
        guard steps > 0 else { return }
        let aside = StoreFolder(at: kept)
        let again = try aside.open()
        #expect(
            try await again.domains(DomainQuery()).value.items.map(\.fqdn.text) == ["old.example"])
        await again.close()
    }

    @Test func `isn't made from a file whose log lies beside it`() async throws {
        let (file, _) = try await backup()
        try Data("log".utf8).write(to: URL(fileURLWithPath: file.path + "-wal"))
        await #expect(throws: StoreOpeningError.self) { _ = try await restore(file) }
    }
}
