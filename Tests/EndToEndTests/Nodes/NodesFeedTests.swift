import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import PostgresServer
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("The feed of several nodes", .timeLimit(.minutes(10))) struct NodesFeedTests {
    private static let writes = 96

    /// One revision each, by turns on all nodes: what one has written, the next changes.
    private static func write(_ number: Int, _ client: RegistryClient) async throws {
        let name = "n\(number / 8).example.com"
        func send(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws {
            _ = try await client.send(method, path, body: body.map { Array($0.utf8) } ?? [])
        }
        switch number % 8 {
        case 0: try await send(.POST, "/v1/domains", #"{"fqdn":"\#(name)","tenant":"é\#(number)"}"#)
        case 1: try await send(.PATCH, "/v1/domains/\(name)", #"{"location":"aws"}"#)
        case 2:
            try await client.registerAll((0..<5).map { "b\($0)-\(name)" })
        case 3: try await send(.PATCH, "/v1/domains/\(name)", #"{"mode":"read_only"}"#)
        case 4: try await send(.DELETE, "/v1/domains/\(name)")
        case 5:
            try await send(
                .PUT, "/v1/locations/aws",
                #"""
                {"upstream":"http://aws-\#(number)","accepts_signups":true,"default_for_signups":false}
                """#)
        case 6: try await send(.POST, "/v1/domains/\(name)/restore", "{}")
        default: try await send(.POST, "/v1/tokens", #"{"name":"t","role":"reader"}"#)
        }
    }

    /// Goes to the next node after every few revisions.
    private static func travel(
        _ kind: Follower.Kind, _ nodes: [ServerProcess], until last: Int64
    ) async -> Follower {
        var follower = Follower(kind)
        var step = 0
        while follower.revision < last, follower.surprises.isEmpty {
            let next = min(last, follower.revision + Int64(1 + step % 3))
            await follower.follow(nodes[step % nodes.count], until: next)
            step += 1
        }
        return follower
    }

    private static func bytes(
        _ node: ServerProcess, after: Int64, limit: Int
    ) async throws -> String {
        let answer = try await node.client.send(
            .GET, "/v1/changes", query: [("after", "\(after)"), ("limit", "\(limit)")])
        return String(buffer: answer.body)
    }

    /// What a stream of all after `after` says until it has come to `last`.
    private static func events(
        _ node: ServerProcess, after id: String, until last: String
    ) async throws -> String {
        var request = HTTPClientRequest(url: "\(node.url)/v1/changes")
        request.headers.add(name: "Authorization", value: "Bearer \(node.adminToken)")
        request.headers.add(name: "Accept", value: "text/event-stream")
        request.headers.add(name: "Last-Event-ID", value: id)
        let response = try await ServerProcess.http.execute(request, timeout: .minutes(5))
        var text = ""
        for try await piece in response.body {
            text += String(buffer: piece)
            guard let place = text.range(of: "id: \(last)\n"),
                let end = text.range(of: "\n\n", range: place.upperBound..<text.endIndex)
            else { continue }
            return String(text[..<end.upperBound])
        }
        throw NeverHappened(what: "the event \(last)")
    }

    @Test func `is whole and the same at each, and who follows one may go on at another`()
        async throws
    {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let nodes = try await cluster.start(count: 2)
        let first = try await nodes[0].client.historyHead()
        let last = first.revision.number + Int64(Self.writes)

        let followers = try await withThrowingTaskGroup(of: Follower?.self) { group in
            for kind in Follower.Kind.allCases {
                for node in nodes {
                    group.addTask {
                        var follower = Follower(kind)
                        await follower.follow(node, until: last)
                        return follower
                    }
                }
                group.addTask { await Self.travel(kind, nodes, until: last) }
                group.addTask { await Self.travel(kind, nodes.reversed(), until: last) }
            }
            group.addTask {
                for number in 0..<Self.writes {
                    try await Self.write(number, nodes[number % 2].client)
                }
                return nil
            }
            return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
        }

        var history: [HistoryEntry] = []
        var cursor: String?
        repeat {
            let page = try await nodes[1].client.history(
                of: nil, filter: [("order", "asc")], limit: 1000, cursor: cursor)
            history += page.items
            cursor = page.nextCursor
        } while cursor != nil
        #expect(Set(history.map(\.revision.number)) == Set(1...last))
        let expected = history.compactMap(Follower.Line.init)
        #expect(expected.count == Self.writes / 8 * 10)
        #expect(followers.count == 8)
        for follower in followers {
            #expect(follower.surprises == [])
            #expect(follower.revision == last)
            #expect(follower.lines == expected)
        }

        // One that has just come reads all of it from the database, the others from memory.
        let late = try await cluster.start("late", token: nodes[0].adminToken)
        let all = nodes + [late]
        for node in all {
            _ = try await node.client.send(
                .GET, "/v1/stats", query: [("min_revision", "\(last)")])
        }
        for after in first.revision.number...last {
            for limit in [1, 7, 1_000] {
                let texts = try await [
                    Self.bytes(nodes[0], after: after, limit: limit),
                    Self.bytes(nodes[1], after: after, limit: limit),
                ]
                #expect(texts[0] == texts[1], "\(limit) after \(after)")
            }
            let texts = try await [
                Self.bytes(nodes[0], after: after, limit: 1_000),
                Self.bytes(late, after: after, limit: 1_000),
            ]
            #expect(texts[0] == texts[1], "after \(after)")
        }
        for after in [first.revision.number, first.revision.number + 50] {
            var texts: Set<String> = []
            for node in all {
                texts.insert(
                    try await Self.events(
                        node, after: "\(first.epoch).\(after)", until: "\(first.epoch).\(last)"))
            }
            #expect(texts.count == 1)
        }
        let heads = try await all.asyncMap { try await $0.client.historyHead() }
        #expect(Set(heads.map(\.digest)).count == 1)
        for node in all { #expect(try await node.stop() == .code(0)) }
        try await cluster.postgres.dropDatabase(cluster.database)
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows
        -> [Value]
    {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
