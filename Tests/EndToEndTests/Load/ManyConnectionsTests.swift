import Foundation
import Testing

@Suite("Many connections", .timeLimit(.minutes(10)), .serialized) struct ManyConnectionsTests {
    /// Open connections that say nothing.
    private final class IdleConnections {
        private(set) var all: [BlockingConnection] = []

        /// As many of `wanted` as this process may have open, and the server with it.
        init(_ wanted: Int, to server: ServerProcess) throws {
            var limit = rlimit()
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            getrlimit(resource, &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
            let count = min(wanted, Int(clamping: limit.rlim_max) - 1000)
            for number in 0..<count {
                let connection = try #require(
                    BlockingConnection(port: server.port), "\(number) connections: errno \(errno)")
                all.append(connection)
            }
        }
    }

    private static func get(_ server: ServerProcess, _ more: String = "") -> String {
        "GET /v1/domains/a.example.com HTTP/1.1\r\nHost: h\r\n"
            + "Authorization: Bearer \(server.adminToken)\r\n\(more)\r\n"
    }

    @Test func `that are idle don't keep lookups from being answered`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        _ = try await server.client.register("a.example.com")
        let idle = try IdleConnections(10_000, to: server)
        #expect(idle.all.count >= 1000)
        let get = Self.get(server)

        let busy = try #require(BlockingConnection(port: server.port))
        for _ in 0..<2000 {
            busy.send(get)
            #expect(busy.readAnswer()?.status == 200)
        }
        // Each of them is served when it speaks, the last ones too.
        for connection in idle.all.enumerated().filter({ $0.offset % 97 == 0 }).map(\.element)
            + idle.all.suffix(10)
        {
            connection.send(get)
            #expect(connection.readAnswer()?.status == 200)
        }
        #expect(!server.process.errors.contains("can't be accepted"))
        try await server.crash()
    }

    @Test func `of one request each are all answered, and lookups beside them`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        _ = try await server.client.register("a.example.com")
        let (short, long) = (Self.get(server, "Connection: close\r\n"), Self.get(server))
        let port = server.port
        let answered = await withTaskGroup(of: Int.self) { clients in
            for _ in 0..<16 {
                clients.addTask {
                    await onThread {
                        (0..<200).filter { _ in
                            guard let connection = BlockingConnection(port: port) else {
                                return false
                            }
                            connection.send(short)
                            let answer = connection.readAnswer()
                            return answer?.status == 200 && answer?.closes == true
                        }.count
                    }
                }
            }
            clients.addTask {
                await onThread {
                    guard let connection = BlockingConnection(port: port) else { return 0 }
                    return (0..<3200).filter { _ in
                        connection.send(long)
                        return connection.readAnswer()?.status == 200
                    }.count
                }
            }
            return await clients.reduce(into: 0) { $0 += $1 }
        }
        #expect(answered == 16 * 200 + 3200)
        try await server.crash()
    }

    /// The service must outlive it: whoever waits is accepted when there is room again.
    @Test func `more than there are file descriptors wait, and the service goes on`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        _ = try await server.client.register("a.example.com")
        let get = Self.get(server)
        let old = try #require(BlockingConnection(port: server.port))
        old.send(get)
        #expect(old.readAnswer()?.status == 200)

        let open = try FileManager.default.contentsOfDirectory(
            atPath: "/proc/\(server.process.pid)/fd")
        try await Self.limit(server, to: "\(open.count + 2)")
        let new = (0..<20).compactMap { _ in BlockingConnection(port: server.port) }
        #expect(new.count == 20)
        for connection in new { connection.send(get) }
        _ = try await poll("the log's line") {
            server.process.errors.contains("can't be accepted for now") ? true : nil
        }
        for _ in 0..<100 {
            old.send(get)
            #expect(old.readAnswer()?.status == 200)
        }

        try await Self.limit(server, to: "4096")
        for connection in new { #expect(connection.readAnswer()?.status == 200) }
        #expect(try await server.client.send(.GET, "/v1/stats").status == 200)
        try await server.crash()
    }

    /// Changes the limit on open files of a process that runs.
    private static func limit(_ server: ServerProcess, to files: String) async throws {
        let prlimit = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/prlimit"),
            ["--pid", "\(server.process.pid)", "--nofile=\(files):"],
            outputs: server.folder.url)
        #expect(try await prlimit.waitForExit() == .code(0))
    }
}
