import Foundation
import RegistryClient
import Testing

@Suite("Followers of a server that is killed") struct FeedCrashTests {
    private static let rounds = 12

    /// Whatever a follower was told was committed, and whatever was committed is told: once, in order.
    @Test(.timeLimit(.minutes(10)))
    func `have the history that the server has in the end`() async throws {
        let folder = try TestFolder()
        var ledger = WriteLedger(writers: 4)
        var followers = Follower.Kind.allCases.map { Follower($0) }
        var seen: Observation?
        for _ in 1...Self.rounds {
            let server = try await ServerProcess.start(in: folder)
            if seen == nil { seen = try await Observation(of: server.client) }
            try await seen?.update(from: server.client)
            try #require(ledger.settle(try #require(seen)).isEmpty)
            _ = try await ledger.repeatKeyed(server.client)

            async let crash: Void = {
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...900)))
                try await server.crash()
            }()
            async let followed: [Follower] = withTaskGroup(of: Follower.self) {
                [followers] group in
                for follower in followers {
                    group.addTask {
                        var follower = follower
                        await follower.follow(server)
                        return follower
                    }
                }
                var all: [Follower] = []
                for await follower in group { all.append(follower) }
                return all
            }
            await ledger.writeUntilCut(server.client)
            followers = await followed
            try await crash
            for follower in followers { try #require(follower.surprises == []) }
        }
        let server = try await ServerProcess.start(in: folder)
        let end = try await Observation(of: server.client)
        let expected = end.history.compactMap(Follower.Line.init)
        for follower in followers {
            var follower = follower
            await follower.follow(server, until: end.head.revision)
            #expect(follower.surprises == [])
            #expect(follower.resumptions >= Self.rounds / 2)
            // In a revision of many, order is the server's own.
            let told = follower.lines
            #expect(told.map(\.revision) == expected.map(\.revision))
            #expect(Set(told) == Set(expected))
            #expect(told.count == expected.count)
        }
        #expect(expected.count > 200)
        #expect(try await server.stop() == .code(0))
    }
}
