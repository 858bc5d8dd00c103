import AsyncHTTPClient
import Foundation
import NIOCore
import RegistryClient
import Testing

@Suite("A running feed", .timeLimit(.minutes(15))) struct FeedProcessTests {
    private static func filled(_ count: Int) async throws -> ServerProcess {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--drain-seconds", "0", "--access-log", "all"])
        for start in stride(from: 0, to: count, by: 10_000) {
            let rows = (start..<min(start + 10_000, count)).map {
                #"{"fqdn":"t\#($0).example.com","tenant":"株式会社"}"#
            }
            let body = Array(#"{"domains":[\#(rows.joined(separator: ","))]}"#.utf8)
            _ = try await server.client.send(.POST, "/v1/domains/batch", body: body)
        }
        return server
    }

    private static func request(_ server: ServerProcess, _ target: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server.url.absoluteString + target)
        request.headers.add(name: "Authorization", value: "Bearer \(server.adminToken)")
        return request
    }

    @Test func `ends its streams and polls at SIGTERM, and says so once`() async throws {
        let server = try await Self.filled(10)
        let head = try await server.client.historyHead().revision.number
        var open = Self.request(server, "/v1/changes?after=\(head)")
        open.headers.add(name: "Accept", value: "text/event-stream")
        let streams = try await (0..<20).asyncMap { _ in
            try await ServerProcess.http.execute(open, timeout: .minutes(2))
        }
        let waiting = Self.request(server, "/v1/changes?after=\(head)&wait=60")
        async let polled = ServerProcess.http.execute(waiting, timeout: .minutes(2))
        // All of them wait: the metric counts them.
        _ = try await poll("readers") {
            let text = String(buffer: try await server.client.send(.GET, "/metrics").body)
            let lines = text.split(separator: "\n")
            let readers = lines.filter { $0.hasPrefix("registry_feed_readers{") }
            return readers.contains { $0.hasSuffix(" 20") || $0.hasSuffix(" 20.0") }
                && readers.contains { $0.hasSuffix(" 1") || $0.hasSuffix(" 1.0") } ? true : nil
        }
        server.process.signal(SIGTERM)
        for stream in streams {
            // A stream that is cut throws.
            let body = try await stream.body.collect(upTo: 1 << 20)
            #expect(String(buffer: body).contains("event: heartbeat"))
        }
        let answer = try await polled
        #expect(answer.status == .ok)
        #expect(
            String(buffer: try await answer.body.collect(upTo: 1 << 20)).contains(#""changes":[]"#))
        #expect(try await server.process.waitForExit(within: .seconds(60)) == .code(0))
        #expect(!server.log.contains { $0.message == "requests that didn't end were cut off" })
        let lines = server.log.filter {
            $0.message == "request" && $0.metadata["route"] == "/v1/changes"
        }
        #expect(lines.count == 21)
    }

    /// Ten open a stream of all there is, and don't read.
    @Test func `isn't held up by readers that don't read, nor filled by them`() async throws {
        let server = try await Self.filled(60_000)
        let before = try server.residentKiB()
        let stalled = Follower(.events)
        var opened: [HTTPClientResponse] = []
        for _ in 0..<10 { opened.append(try await stalled.open(server)) }
        // Writers go on, and a reader that reads gets all of it meanwhile.
        for number in 0..<50 {
            _ = try await server.succeed("domains", "register", "late\(number).example.com")
        }
        let head = try await server.client.historyHead().revision.number
        var follower = Follower(.events)
        await follower.follow(server, until: head)
        #expect(follower.surprises == [] && follower.lines.count == 60_050)
        // Ten times 12 MB is what the others haven't read.
        let after = try server.residentKiB()
        #expect(after - before < 70_000, "\(before) KiB became \(after)")
        // One wakes up. Where it was cut off meanwhile, it resumes.
        var late = stalled
        try? await late.read(opened[0], until: head)
        while late.revision < head, late.surprises.isEmpty {
            await late.follow(server, until: head)
        }
        #expect(late.surprises == [] && late.lines == follower.lines)
    }

    /// The program in docs/feed.md, so that the document can't drift from what the service does.
    @Test func `is followed by the document's Python, to the same digest`() async throws {
        let server = try await Self.filled(300)
        _ = try await server.succeed(
            "domains", "change", "t3.example.com", "--location", "aws", "--allow-split")
        let document = try String(
            contentsOf: NginxProcess.repository.appendingPathComponent("docs/feed.md"),
            encoding: .utf8)
        let blocks = document.matches(of: /(?s)```python\n(.*?)```/).map { String($0.1) }
        let script = try #require(blocks.first)
        #expect(blocks.count == 1)
        let file = server.folder.file("follow.py")
        try Data(script.utf8).write(to: file)
        let head = try await server.client.historyHead().revision.number
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [file.path, server.url.absoluteString, server.adminToken, "\(head + 4)"],
            outputs: server.folder.url, environment: [:])
        _ = try await server.succeed(
            "domains", "change", "t4.example.com", "--location", "aws", "--allow-split")
        _ = try await server.succeed("domains", "release", "t5.example.com")
        _ = try await server.succeed(
            "locations", "set", "mars", "--upstream", "https://mars.example")
        _ = try await server.succeed("tokens", "create", "näme", "--role", "reader")
        let exit = try await process.waitForExit(within: .seconds(60))
        #expect(exit == .code(0), "\(process.errors)")
        let snapshot = try await server.client.send(
            .GET, "/v1/snapshot", headers: [("Accept", "*/*")])
        let text = String(buffer: snapshot.body)
        let digest = try #require(text.firstMatch(of: /sum-murmur3:[0-9a-f]{32}/)?.output)
        #expect(process.output.contains("299 domains at "))
        #expect(process.output.contains(digest))
    }
}

extension ServerProcess {
    /// Of `/proc`: memory that the process has.
    fileprivate func residentKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return try #require(line?.split(separator: " ").compactMap { Int($0) }.first)
    }
}

extension Range<Int> {
    fileprivate func asyncMap<Value>(_ body: (Int) async throws -> Value) async rethrows
        -> [Value]
    {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
