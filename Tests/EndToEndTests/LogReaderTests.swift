import Foundation
import Testing

/// Whoever reads the log may hang, go away, or never have been there: nobody is to notice.
@Suite("A log whose reader", .timeLimit(.minutes(10))) struct LogReaderTests {
    /// The service with standard error on a pipe of the test's own.
    private struct Logged {
        let process: ChildProcess
        let port: Int
        let token: String
        let pipe: FileHandle

        /// Reads the log until the service listens, and not a byte more.
        static func start(in folder: TestFolder) async throws -> Logged {
            let fifo = folder.file("log")
            try #require(mkfifo(fifo.path, 0o600) == 0)
            // Both ends: opening waits for nobody, and the pipe doesn't end by itself.
            let descriptor = open(fifo.path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            let pipe = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            let data = folder.file("data")
            let process = try ChildProcess(
                URL(fileURLWithPath: "/bin/sh"),
                [
                    "-c", #"exec "$0" "$@" 2>"$LOG""#, TenantRegistryBinary.url.path, "serve",
                    "--listen", "127.0.0.1:0", "--data-dir", data.path, "--access-log", "all",
                    "--drain-seconds", "0",
                ], outputs: folder.url, environment: ["LOG": fifo.path])
            var text = ""
            let port = try await poll("the service listens") { () -> Int? in
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = read(descriptor, &bytes, bytes.count)
                if count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
                return LogLine.all(in: text).first { $0.announces == "api" }?.port
            }
            let token = try String(
                contentsOf: data.appendingPathComponent("admin-token"), encoding: .utf8
            ).trimmingCharacters(in: .newlines)
            return Logged(process: process, port: port, token: token, pipe: pipe)
        }

        func request(_ line: String, body: String = "") -> String {
            "\(line) HTTP/1.1\r\nHost: registry\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        /// - Returns: nil where there was no answer.
        func answer(
            _ connection: BlockingConnection, _ line: String, body: String = ""
        ) -> BlockingConnection.Answer? {
            connection.send(request(line, body: body))
            return connection.readAnswer()
        }
    }

    @Test func `hangs keeps no request, no write and no stop waiting`() async throws {
        let folder = try TestFolder()
        let logged = try await Logged.start(in: folder)
        let connections = (0..<4).compactMap { _ in BlockingConnection(port: logged.port) }
        try #require(connections.count == 4)
        // Some megabytes of lines: many times what the pipe holds, and more than the service keeps.
        let lookups = 50
        let request = logged.request("GET /v1/route?host=acme.example.com")
        for number in 0..<400 {
            let connection = connections[number % connections.count]
            connection.send(String(repeating: request, count: lookups))
            let answers = (0..<lookups).compactMap { _ in connection.readAnswer() }
            try #require(answers.count { $0.status == 404 } == lookups)
        }
        #expect(logged.answer(connections[0], "GET /livez")?.status == 200)
        let registered = logged.answer(
            connections[1], "POST /v1/domains", body: #"{"fqdn":"acme.example.com"}"#)
        #expect(registered?.status == 201)
        let metrics = try #require(logged.answer(connections[2], "GET /metrics")).body
        let dropped = metrics.split(separator: "\n")
            .first { $0.hasPrefix("registry_log_lines_dropped_total ") }
            .flatMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        #expect(try #require(dropped) > 0)
        logged.process.signal(SIGTERM)
        #expect(try await logged.process.waitForExit(within: .seconds(60)) == .code(0))
    }

    @Test func `has gone keeps the service as it is`() async throws {
        let folder = try TestFolder()
        let logged = try await Logged.start(in: folder)
        try logged.pipe.close()
        let connection = try #require(BlockingConnection(port: logged.port))
        for _ in 0..<100 {
            #expect(logged.answer(connection, "GET /v1/route?host=a.example.com")?.status == 404)
        }
        logged.process.signal(SIGTERM)
        #expect(try await logged.process.waitForExit(within: .seconds(60)) == .code(0))
    }

    @Test func `was never there puts no file of the service in its place`() async throws {
        let folder = try TestFolder()
        let port = try await EdgeHAProxy.freePort(folder)
        let process = try ChildProcess(
            URL(fileURLWithPath: "/bin/sh"),
            [
                "-c", #"exec "$0" "$@" <&- >&- 2>&-"#, TenantRegistryBinary.url.path, "serve",
                "--listen", "127.0.0.1:\(port)", "--data-dir", folder.file("data").path,
                "--drain-seconds", "0",
            ], outputs: folder.url)
        _ = try await poll("the service listens") { BlockingConnection(port: port) }
        for descriptor in 0...2 {
            let target = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(process.pid)/fd/\(descriptor)")
            #expect(target == "/dev/null")
        }
        process.signal(SIGTERM)
        #expect(try await process.waitForExit(within: .seconds(60)) == .code(0))
    }
}
