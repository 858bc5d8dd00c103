import Foundation
import RegistryModel
import RoutingTable
import TableSamples
import Testing

@testable import SharedRoutes

/// What an agent finds at its path, from another one or from nobody knows whom, and what becomes of its own.
@Suite("A file of routes") struct FoundFileTests {
    /// The agent was killed after it had shared a table of the new epoch and before it had saved it.
    @Test func `of a newer epoch isn't given up for what's on the disk`() throws {
        let folder = try RoutesFolder()
        let newer = Position(epoch: Epoch("newer"), revision: Revision(3))
        var agent: SharedTable? = try folder.share()
        agent?.load([domain(1, at: aws)], locations: [location(japan), location(aws)], at: newer)
        agent = nil
        let next = try folder.share()
        func loadOld() {
            next.load([domain(1)], locations: [location(japan), location(aws)], at: at(20))
        }
        loadOld()
        #expect(next.shared == newer && next.routePosition == newer)
        #expect(try next.route(fqdn(1)).value?.location == aws)
        next.started()
        #expect(next.shared == newer)
        // The registry has gone back to the old one, and says so with each heartbeat.
        next.retry()
        #expect(next.shared == at(20) && next.routePosition == at(20))
        #expect(try next.route(fqdn(1)).value?.location == japan)
    }

    @Test func `of another epoch takes the place of the old one`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load([domain(1, revision: 90)], revision: 90)
        let reader = try folder.reader()
        let other = Position(epoch: Epoch("other"), revision: Revision(3))
        shared.load([domain(2, revision: 3)], locations: [location(japan)], at: other)
        #expect(reader.find(fqdn(1).text) == .unknown)
        #expect(reader.find(fqdn(2).text) == expected(domain(2, revision: 3)))
        #expect(reader.status()?.position == other)
    }

    @Test func `of an older revision never shows`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load([domain(1, revision: 9)], revision: 9)
        let reader = try folder.reader()
        // A table from the disk.
        shared.load([domain(1, at: aws, revision: 4)], revision: 4)
        #expect(reader.find(fqdn(1).text) == expected(domain(1, revision: 9)))
        #expect(shared.covers(at(9)))
    }

    @Test func `that was damaged is mended before anybody believes it`() throws {
        let folder = try RoutesFolder()
        var shared: SharedTable? = try folder.share()
        shared?.load((0..<200).map { domain($0) }, revision: 1)
        let reader = try folder.reader()
        shared = nil
        // Some domain is in another mode than its writer has left it in.
        let file = try RoutesFile.existing(at: folder.path)
        let name = Array(fqdn(5).text.utf8)
        let record = try #require(name.withUnsafeBytes { file.record(of: $0) })
        file.store(file.word(at: record).bits ^ 8, at: record)
        // What is said to be visible isn't to be believed either.
        file.store(1 << 40, at: RoutesFormat.Field.visible)
        let next = try folder.share()
        #expect(next.shared == nil)
        #expect(reader.find(fqdn(5).text) == .notReady && reader.status() == nil)
        next.load((0..<200).map { domain($0) }, revision: 1)
        #expect(reader.find(fqdn(5).text) == expected(domain(5)))
    }

    /// Whatever somebody has put there: another file takes its place.
    @Test(arguments: [
        RoutesFormat.Field.recordsUsed, RoutesFormat.Field.locationCount,
        RoutesFormat.Field.textsUsed, RoutesFormat.Field.visible, RoutesFormat.Field.epoch,
    ])
    func `that says what can't be isn't gone on with`(field: Int) throws {
        let folder = try RoutesFolder()
        var shared: SharedTable? = try folder.share()
        shared?.load((0..<20).map { domain($0) }, revision: 1)
        shared = nil
        for number in [UInt64.max, 1 << 63, 1 << 62, 1 << 40, 7] {
            var bytes = try folder.bytes()
            withUnsafeBytes(of: number) { bytes.replaceSubrange(field..<field + 8, with: $0) }
            try folder.write(bytes, to: folder.path)
            let next = try folder.share()
            next.started()
            next.load((0..<20).map { domain($0) }, revision: 1)
            #expect(next.covers(at(1)))
            #expect(try folder.reader().find(fqdn(5).text) == expected(domain(5)))
        }
    }

    /// Its writer was killed before he put another one in its place.
    @Test func `that is retired and still there is gone on with`() throws {
        let folder = try RoutesFolder()
        var shared: SharedTable? = try folder.share()
        shared?.load([domain(1, revision: 5)], revision: 5)
        shared = nil
        let file = try RoutesFile.existing(at: folder.path)
        file.store(RoutesFormat.State.retired, at: RoutesFormat.Field.state)
        let reader = try folder.reader()
        let next = try folder.share()
        #expect(next.covers(at(5)))
        next.load([domain(1, at: aws, revision: 4)], revision: 4)
        #expect(reader.find(fqdn(1).text) == expected(domain(1, revision: 5)))
        #expect(try folder.reader().find(fqdn(1).text) == expected(domain(1, revision: 5)))
    }

    @Test func `that somebody has taken away is there again with the next heartbeat`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load([domain(1)], revision: 1)
        let old = try folder.reader()
        try FileManager.default.removeItem(atPath: folder.path)
        shared.retry()
        #expect(shared.set(domain(1, at: aws, revision: 2), revision: 2))
        for reader in [old, try folder.reader()] {
            #expect(reader.find(fqdn(1).text) == expected(domain(1, at: aws, revision: 2)))
        }
    }

    /// Readers of the one that was taken away can't be told: they find out by themselves, and until then nothing is applied.
    @Test func `that somebody has taken away from a dead agent is missed`() throws {
        let folder = try RoutesFolder()
        var agent: SharedTable? = try folder.share()
        agent?.load([domain(1)], revision: 1)
        #expect(agent?.covers(at(1)) == true)
        agent = nil
        var next: SharedTable? = try folder.share()
        next?.load([domain(1)], revision: 1)
        #expect(next?.covers(at(1)) == true)
        next = nil
        try FileManager.default.removeItem(atPath: folder.path)
        let last = try folder.share()
        last.load([domain(1, at: aws, revision: 2)], revision: 2)
        #expect(last.shared == at(2) && !last.covers(at(2)))
    }

    /// Its readers look for another one, and find it.
    @Test func `of another version is marked, and what can't be marked is waited for`() throws {
        let folder = try RoutesFolder()
        var agent: SharedTable? = try folder.share()
        agent?.load([domain(1)], revision: 1)
        let reader = try folder.reader()
        agent = nil
        let file = try RoutesFile.existing(at: folder.path)
        file.store(UInt64(RoutesFormat.version) + 1, at: RoutesFormat.Field.version)
        let next = try folder.share()
        #expect(file.view.state == RoutesFormat.State.retired)
        next.load([domain(1, at: aws, revision: 2)], revision: 2)
        next.started()
        #expect(next.covers(at(2)))
        #expect(reader.find(fqdn(1).text) == expected(domain(1, at: aws, revision: 2)))

        let other = try RoutesFolder()
        try other.write(Array(repeating: 7, count: 8_192), to: other.path)
        let odd = try other.share()
        odd.load([domain(1)], revision: 1)
        #expect(!odd.covers(at(1)))
    }

    /// The file system was full, or the agent ran without it for a while.
    @Test func `that is older than the table on the disk isn't gone on with`() throws {
        let folder = try RoutesFolder()
        var agent: SharedTable? = try folder.share()
        agent?.load([domain(1), domain(2)], revision: 3)
        agent = nil
        let next = try folder.share()
        #expect(next.isOlder(than: at(7)) && !next.isOlder(than: at(3)))
        next.load([domain(1, at: aws, revision: 7), domain(2), domain(3)], revision: 7)
        next.started()
        #expect(next.shared == at(7) && next.routePosition == at(7))
        #expect(try folder.reader().find(fqdn(1).text) == expected(domain(1, at: aws, revision: 7)))
        #expect(try folder.reader().find(fqdn(3).text) == expected(domain(3)))
    }

    /// Nothing becomes visible on top of what isn't there.
    @Test func `that is behind when a revision comes is made anew`() throws {
        let folder = try RoutesFolder()
        let table = CompactRoutingTable()
        let shared = try folder.share(table)
        shared.load([domain(1), domain(2)], revision: 3)
        #expect(table.set(domain(1, at: aws, revision: 4), revision: 4))
        #expect(shared.set(domain(2, at: aws, revision: 5), revision: 5))
        let reader = try folder.reader()
        #expect(reader.find(fqdn(1).text) == expected(domain(1, at: aws, revision: 4)))
        #expect(reader.find(fqdn(2).text) == expected(domain(2, at: aws, revision: 5)))
    }

    @Test func `isn't written any more once somebody has taken its lock away`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load([domain(1)], revision: 1)
        try FileManager.default.removeItem(atPath: "\(folder.path).lock")
        try FileManager.default.removeItem(atPath: folder.path)
        shared.retry()
        #expect(shared.failure?.description.contains("lock") == true)
        #expect(folder.inode == nil)
    }

    @Test func `that is made anew in the middle of a revision has all of it`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load([domain(1), domain(2)], revision: 1)
        let reader = try folder.reader()
        let stage = shared.beginStage()
        stage.set(domain(1, at: aws, revision: 2))
        try FileManager.default.removeItem(atPath: folder.path)
        shared.retry()
        stage.set(domain(2, at: aws, revision: 2))
        #expect(stage.apply(after: Revision(1), through: Revision(2)))
        for number in 1...2 {
            #expect(
                try folder.reader().find(fqdn(number).text)
                    == expected(domain(number, at: aws, revision: 2)))
        }
        withExtendedLifetime(reader) {}
    }
}
