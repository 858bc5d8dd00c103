import Foundation
import Testing

@Suite("A crash") struct CrashTests {
    static let rounds = 30
    static let writers = 8

    @Test(.timeLimit(.minutes(15)))
    func `loses no acknowledged write and leaves no half of another`() async throws {
        let folder = try TestFolder()
        var ledger = WriteLedger(writers: Self.writers)
        var seen: Observation?
        for round in 1...Self.rounds {
            let server = try await ServerProcess.start(in: folder)
            if seen == nil { seen = try await Observation(of: server.client) }
            try await seen?.update(from: server.client)
            let broken = ledger.settle(try #require(seen))
            try #require(broken.isEmpty, "round \(round): \(broken.prefix(5))")
            let repeats = try await ledger.repeatKeyed(server.client)
            try #require(repeats.isEmpty, "round \(round): \(repeats.prefix(5))")

            async let crash: Void = {
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...600)))
                try await server.crash()
            }()
            await ledger.writeUntilCut(server.client)
            try await crash
        }
        let server = try await ServerProcess.start(in: folder)
        #expect(ledger.settle(try await Observation(of: server.client)) == [])
        #expect(ledger.acknowledgedCount > 10 * Self.rounds)
        #expect(try await server.stop() == .code(0))
    }

    /// Holds the check itself to account: a store that forgets has to be found out.
    @Test func `that takes the write-ahead log with it is noticed by this very check`() async throws
    {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        var ledger = WriteLedger(writers: 1)
        let wal = server.data.appendingPathComponent("registry.sqlite-wal")
        // SQLite moves the log into the database once it has 1,000 pages, and begins it anew.
        let isFull = {
            try FileManager.default.attributesOfItem(atPath: wal.path).size >= 4_120_032
        }
        var count = 0
        while try !isFull() {
            await ledger.write([Self.registration(count)], server.client)
            count += 1
        }
        #expect(ledger.settle(try await Observation(of: server.client)) == [])
        await ledger.write((0..<20).map { Self.registration(count + $0) }, server.client)
        try await server.crash()
        try FileManager.default.removeItem(at: wal)
        try FileManager.default.removeItem(
            at: server.data.appendingPathComponent("registry.sqlite-shm"))

        // The service itself notices, until its mark is taken away, as from a store of an older release.
        let refused = try await RefusedStart.run(server.data, in: folder)
        #expect(refused.contains("it lacks revisions that it had"))
        try await RefusedStart.unmark(server.data, in: folder)
        let after = try await ServerProcess.start(in: folder)
        let broken = ledger.settle(try await Observation(of: after.client))
        #expect(broken.contains("the head has gone back"))
        let lost = broken.filter { $0.hasPrefix("lost: revision") }
        #expect((1...20).contains(lost.count), "\(lost.count) of \(count + 20)")
    }

    private static func registration(_ number: Int) -> Operation {
        .register("n\(number).example.com", location: "japan", tenant: "t")
    }
}

extension [FileAttributeKey: Any] {
    fileprivate var size: Int { (self[.size] as? NSNumber)?.intValue ?? 0 }
}
