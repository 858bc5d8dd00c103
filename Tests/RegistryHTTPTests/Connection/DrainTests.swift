import RegistryHTTP
import Testing

@Suite("A service that stops", .whateverTheStore, .timeLimit(.minutes(15))) struct DrainTests {
    @Test func `isn't ready, is alive, and ends each connection after its answer`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                let get =
                    "GET /v1/stats HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(registry.token(.reader))\r\n\r\n"
                try await connection.send(get)
                let before = try await connection.answer()
                #expect(before.status == 200 && before.header("Connection") == nil)
                #expect(try await registry.get("/readyz").status == 200)
                registry.drain.raise()
                try await connection.send(get)
                let after = try await connection.answer()
                #expect(after.status == 200 && after.header("Connection") == "close")
                #expect(try await connection.rest().isEmpty)
            }
            let ready = try await registry.get("/readyz", as: .nobody)
            #expect(ready.isProblem(503, "not-ready"))
            #expect(ready.header("Retry-After") == "1")
            #expect(try await registry.get("/livez", as: .nobody).status == 200)
            let made = try await registry.register("a.example.com")
            #expect(made.header("Connection") == "close")
        }
    }

    @Test func `answers the requests that are on their way, and closes after the last`()
        async throws
    {
        try await withRegistry { registry in
            registry.drain.raise()
            try await registry.connected { connection in
                let get = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
                try await connection.send(get + get + get)
                var answers: [Answer] = []
                while let answer = try? await connection.answer() { answers.append(answer) }
                #expect(answers.allSatisfy { $0.status == 200 })
                #expect(answers.last?.header("Connection") == "close")
            }
        }
    }
}
