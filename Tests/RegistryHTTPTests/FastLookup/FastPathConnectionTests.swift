import Logging
import NIOCore
import NIOPosix
import RegistryHTTP
import Testing

@Suite("A connection on the fast path", .whateverTheStore, .timeLimit(.minutes(15)))
struct FastPathConnectionTests {
    private static func gets(_ numbers: Range<Int>, _ registry: RunningRegistry) -> String {
        let token = registry.token(.reader)
        return numbers.map {
            "GET /v1/route?host=a\($0).example.com HTTP/1.1\r\nHost: h\r\n"
                + "Authorization: Bearer \(token)\r\nX-Request-ID: \($0)\r\n\r\n"
        }.joined()
    }

    /// Far more than the kernel keeps for a client that reads nothing meanwhile.
    @Test func `answers everything in order, to a client that reads only later`() async throws {
        try await withRegistry(.with { $0.http.accessLog = .off }) { registry in
            let count = 10_000
            try await registry.connected { connection in
                let outbound = connection.outbound
                let requests = Self.gets(0..<count, registry)
                async let sent: Void = outbound.write(ByteBuffer(string: requests))
                for number in 0..<count {
                    let id = try await connection.answer().header("X-Request-ID")
                    guard id == "\(number)" else {
                        Issue.record("\(number) was answered as \(id ?? "nothing")")
                        break
                    }
                }
                try await sent
            }
        }
    }

    /// For some of these counts the kernel hasn't taken all answers when the end arrives, and the
    /// server still holds what is left: each has 2 KiB, and the kernel takes some megabytes.
    @Test func `gives all answers to a client that has closed its half`() async throws {
        try await withOneLoop(.with { $0.http.accessLog = .off }) { registry in
            let upstream = "http://japan.example.com/" + String(repeating: "x", count: 2000)
            let settings =
                #"{"upstream":"\#(upstream)","accepts_signups":true,"default_for_signups":true}"#
            try await registry.send(.PUT, "/v1/locations/japan", json: settings)
            try await registry.register("a.example.com")
            let get =
                "GET /v1/route?host=a.example.com HTTP/1.1\r\nHost: h\r\n"
                + "Authorization: Bearer \(registry.token(.reader))\r\n\r\n"
            var length = 0
            for count in [1] + Array(stride(from: 1300, to: 1700, by: 24)) {
                try await withConnection(to: registry.port, receiveBuffer: 4096) { connection in
                    try await connection.send(String(repeating: get, count: count))
                    connection.finish()
                    try await settle(registry.port)
                    let bytes = try await connection.rest().count
                    if count == 1 { length = bytes }
                    #expect(bytes == count * length, "\(count) answers")
                }
            }
        }
    }

    /// The server has room for one connection, and the client that holds it takes nothing: another
    /// gets its turn only because the first is cut off.
    @Test func `is cut off where the client takes none of them`() async throws {
        let settings = RegistrySettings.with {
            $0.http.limits.answerStall = .milliseconds(100)
            $0.http.limits.connections = 1
            $0.http.accessLog = .off
        }
        try await withRegistry(settings) { registry in
            let stubborn = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.so_rcvbuf), value: 16_384)
                .connect(host: "127.0.0.1", port: registry.port).get()
            let requests = Self.gets(0..<40_000, registry)
            stubborn.writeAndFlush(ByteBuffer(string: requests), promise: nil)
            #expect(try await registry.raw("GET", "/livez").status == 200)
            try? await stubborn.close()
        }
    }

    @Test func `is idle only when no lookup comes`() async throws {
        // Long enough for a busy machine to send the next one in.
        try await withRegistry(.with { $0.http.limits.idle = .seconds(4) }) { registry in
            try await registry.connected { connection in
                let began = ContinuousClock.now
                while began.duration(to: .now) < .seconds(6) {
                    try await connection.send(Self.gets(0..<1, registry))
                    #expect(try await connection.answer().status == 404)
                }
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `that stops in the middle of a lookup is closed as idle`() async throws {
        // Long enough for a busy machine to send the first one in.
        try await withRegistry(.with { $0.http.limits.idle = .seconds(4) }) { registry in
            try await registry.connected { connection in
                let get = Self.gets(0..<1, registry)
                try await connection.send(get + get.dropLast(3))
                #expect(try await connection.answer().status == 404)
                #expect(try await connection.rest().isEmpty)
            }
        }
    }
}

@Suite("The access log", .whateverTheStore, .timeLimit(.minutes(15))) struct LookupLogTests {
    private static func lines(_ registry: RunningRegistry, _ route: String) -> Int {
        registry.log.lines.count { $0.message == "request" && $0.metadata["route"] == route }
    }

    @Test(arguments: [(1, 12), (4, 3), (0, 0)])
    func `holds one of so many lookups, fast or not, and everything else`(
        every: Int, expected: Int
    ) async throws {
        try await withRegistry(.with { $0.http.lookupsPerLogLine = every }) { registry in
            for _ in 0..<6 {
                _ = try await registry.raw("GET", "/v1/route?host=a.example.com")
                _ = try await registry.raw("GET", "/v1/route?host=%61.example.com")
                _ = try await registry.raw("GET", "/v1/stats")
            }
            #expect(Self.lines(registry, "/v1/route") == expected)
            #expect(Self.lines(registry, "/v1/stats") == 6)
        }
    }

    @Test func `is of writes alone unless asked for, and no lookup is one, whatever its method`()
        async throws
    {
        try await withRegistry(.with { $0.http.accessLog = HTTPOptions().accessLog }) { registry in
            _ = try await registry.raw("GET", "/v1/stats")
            _ = try await registry.raw("GET", "/v1/route?host=a.example.com")
            _ = try await registry.raw("POST", "/v1/route/authority/page")
            _ = try await registry.raw("PUT", "/v1/route/authority/page")
            _ = try await registry.send(
                .POST, "/v1/lookup", json: #"{"fqdns":["a.example.com"]}"#)
            _ = try await registry.send(
                .POST, "/v1/domains", json: #"{"fqdn":"a.example.com"}"#)
            let routes = registry.log.lines.filter { $0.message == "request" }
                .compactMap { $0.metadata["route"] }
            #expect(routes == ["/v1/domains"])
        }
    }

    @Test func `says of an early lookup what it says of any other`() async throws {
        try await withRegistry { registry in
            for target in ["/v1/route?host=a.b", "/v1/route?host=%61.b"] {
                _ = try await registry.raw(
                    "HEAD", target, headers: [("traceparent", "00-1"), ("X-Request-ID", "r")])
            }
            var lines = registry.log.lines.filter { $0.metadata["request_id"] == "r" }
            try #require(lines.count == 2)
            for index in lines.indices {
                #expect(lines[index].metadata["duration_ms"]?.contains(".") == true)
                lines[index].metadata["duration_ms"] = nil
                lines[index].metadata["hb.request.id"] = nil
            }
            #expect(lines[0].metadata == lines[1].metadata)
            #expect(
                lines[0].metadata.keys.sorted() == [
                    "method", "request_id", "route", "status", "token", "traceparent",
                ])
        }
    }
}
