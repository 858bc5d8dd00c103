import NIOCore
import NIOPosix
import RegistryHTTP
import Testing

@Suite("A connection", .whateverTheStore, .timeLimit(.minutes(15))) struct ConnectionLimitTests {
    private static func limits(
        _ change: (inout ConnectionLimits) -> Void
    ) -> RegistrySettings {
        .with { change(&$0.http.limits) }
    }

    private static func head(_ registry: RunningRegistry, _ fields: String) -> String {
        "POST /v1/lookup HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(registry.token(.reader))\r\n"
            + "Content-Type: application/json\r\n\(fields)\r\n"
    }

    @Test func `whose body stops coming gets 408 and the end`() async throws {
        let settings = Self.limits { $0.requestArrival = .milliseconds(100) }
        try await withRegistry(settings) { registry in
            for fields in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
                try await registry.connected { connection in
                    try await connection.send(Self.head(registry, fields))
                    let answer = try await connection.answer()
                    ContractCheck.check(answer, to: "POST", "/v1/lookup", at: #_sourceLocation)
                    #expect(answer.isProblem(408, "request-timeout"))
                    #expect(answer.header("Connection") == "close")
                    #expect(try await connection.rest().isEmpty)
                }
            }
        }
    }

    /// Byte by byte, each well within the idle time: only the time of the whole request ends it.
    @Test func `whose body drips is cut off`() async throws {
        let settings = Self.limits { $0.requestArrival = .milliseconds(200) }
        try await withRegistry(settings) { registry in
            let answer = try await registry.connected { connection in
                try await connection.send(Self.head(registry, "Content-Length: 1000000\r\n"))
                let outbound = connection.outbound
                let drip = Task {
                    while !Task.isCancelled {
                        try await outbound.write(ByteBuffer(string: " "))
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
                defer { drip.cancel() }
                return try await connection.answer()
            }
            #expect(answer.isProblem(408, "request-timeout"))
        }
    }

    @Test func `that is idle is closed, before, between and inside requests' heads`() async throws {
        // Long enough for a busy machine to send a request in.
        let settings = Self.limits { $0.idle = .seconds(2) }
        try await withRegistry(settings) { registry in
            for text in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: h\r\n"] {
                try await registry.connected { connection in
                    if !text.isEmpty { try await connection.send(text) }
                    #expect(try await connection.rest().isEmpty)
                }
            }
            try await registry.connected { connection in
                try await connection.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.answer().status == 200)
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `that waits for its answer isn't idle`() async throws {
        let settings = RegistrySettings.with {
            $0.http.limits.idle = .seconds(2)
            $0.http.limits.requestArrival = .seconds(2)
            $0.http.revisionWait = .seconds(5)
        }
        try await withRegistry(settings) { registry in
            let answer = try await registry.raw("GET", "/v1/stats?min_revision=1000000")
            #expect(answer.isProblem(504, "revision-not-reached"))
        }
    }

    /// Further ones wait until one of those before them ends.
    @Test func `beyond the limit waits its turn`() async throws {
        let settings = Self.limits { $0.connections = 2 }
        try await withRegistry(settings) { registry in
            let get = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
            try await registry.connected { first in
                try await first.send(get)
                #expect(try await first.answer().status == 200)
                try await registry.connected { second in
                    try await second.send(get)
                    #expect(try await second.answer().status == 200)
                    async let third = registry.connected { third in
                        try await third.send(
                            "GET /livez HTTP/1.1\r\nHost: h\r\nX-Request-ID: third\r\n\r\n")
                        return try await third.answer().status
                    }
                    // Much is answered on the two, and the third isn't among it.
                    for _ in 0..<200 {
                        try await first.send(get)
                        #expect(try await first.answer().status == 200)
                    }
                    #expect(!registry.log.lines.contains { $0.metadata["request_id"] == "third" })
                    try await first.send(
                        "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    #expect(try await first.rest().isEmpty == false)
                    #expect(try await third == 200)
                }
            }
        }
    }

    /// The server has room for one connection, and the client that holds it takes nothing: another
    /// gets its turn only because the first is cut off.
    @Test func `whose client doesn't read is cut off`() async throws {
        let settings = Self.limits {
            $0.answerStall = .milliseconds(100)
            $0.connections = 1
        }
        try await withRegistry(settings) { registry in
            let stubborn = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.so_rcvbuf), value: 16_384)
                .connect(host: "127.0.0.1", port: registry.port).get()
            let get = "GET /openapi.yaml HTTP/1.1\r\nHost: h\r\n\r\n"
            try await stubborn.writeAndFlush(ByteBuffer(string: String(repeating: get, count: 400)))
            let answer = try await registry.raw("GET", "/livez")
            #expect(answer.status == 200)
            try await stubborn.close()
        }
    }
}
