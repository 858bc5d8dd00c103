import NIOHTTP1
import RegistryModel
import Testing

@Suite("A node whose table isn't loaded", .whateverTheStore, .timeLimit(.minutes(15)))
struct NotReadyTests {
    @Test(arguments: [false, true])
    func `answers 503 to everything under v1, and never says unknown`(
        anonymous: Bool
    ) async throws {
        let settings = RegistrySettings.with {
            $0.isLoaded = false
            $0.http.allowsAnonymousReads = anonymous
        }
        try await withRegistry(settings) { registry in
            let operations = registry.server.operations
                .filter {
                    $0.path.hasPrefix("/v1/") && !["CONNECT", "MSEARCH"].contains($0.method)
                }
            #expect(operations.count > 50)
            for operation in operations {
                for sender in [Sender.nobody, .authorization("Bearer trk_a_b")] {
                    let target = operation.path.replacing("{fqdn}", with: "a.example.com")
                        .replacing("{name}", with: "aws").replacing("{id}", with: "x")
                        .replacing("{path}", with: "x")
                    let answer = try await registry.send(
                        HTTPMethod(rawValue: operation.method), target, as: sender)
                    #expect(answer.status == 503, "\(operation.method) \(target)")
                    #expect(answer.header("Retry-After") == "1")
                    #expect(answer.header("X-Registry-Revision") == nil)
                    if operation.method != "HEAD" { #expect(answer.code == "not-ready") }
                }
            }
        }
    }

    @Test func `is alive and isn't ready, until it is`() async throws {
        try await withRegistry(.with { $0.isLoaded = false }) { registry in
            #expect(try await registry.get("/livez", as: .nobody).status == 200)
            #expect(try await registry.get("/openapi.yaml", as: .nobody).status == 200)
            for path in ["/readyz", "/readyz?verbose", "/metrics"] {
                let answer = try await registry.get(path, as: .nobody)
                #expect(answer.isProblem(503, "not-ready"))
                #expect(answer.header("Retry-After") == "1")
            }
            try await registry.service.loadTable()
            #expect(try await registry.get("/readyz", as: .nobody).status == 200)
        }
    }
}

@Suite("Operations", .whateverTheStore, .timeLimit(.minutes(15))) struct OperationsTests {
    @Test func `tell on demand what the node holds`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for query in ["verbose", "verbose=", "verbose=1", "x=1&verbose"] {
                let answer = try await registry.get("/readyz?\(query)", as: .nobody)
                #expect(answer["status"]?.text == "ready")
                #expect(answer["domains"]?.number == 1)
                #expect(answer["revision"]?.number == answer.revision)
                #expect(answer["epoch"]?.text == answer.epoch.map(String.init))
            }
            let plain = try await registry.get("/readyz?quiet", as: .nobody)
            #expect(plain.text == #"{"status":"ready"}"#)
        }
    }

    @Test func `have a port of their own on which nobody needs a token`() async throws {
        try await withRegistry(.with { $0.isOps = true }) { registry in
            for path in ["/livez", "/readyz", "/metrics"] {
                let answer = try await registry.get(path, as: .nobody)
                #expect(answer.status == 200)
            }
            for path in ["/v1/stats", "/v1/domains", "/openapi.yaml", "/v1/tokens"] {
                let answer = try await registry.get(path)
                #expect(answer.isProblem(404, "not-found"))
            }
        }
    }
}

@Suite("A store that can't write", .whateverTheStore, .timeLimit(.minutes(15)))
struct StoreFailureTests {
    @Test(
        arguments: [
            (RegistryError.storageFull, 507, "storage-full", "30"),
            (.overloaded, 503, "overloaded", "1"), (.storeFailed, 503, "store-failed", "5"),
            (.storeUnavailable, 503, "store-unavailable", "1"),
            (.storeLimit("transaction_timeout"), 503, "store-limit", nil),
            (.outcomeUnknown, 503, "outcome-unknown", "5"), (.inconsistent, 500, "internal", nil),
        ] as [(RegistryError, Int, String, String?)])
    func `is named by its own problem on every write, and reads go on`(
        failure: RegistryError, status: Int, code: String, retryAfter: String?
    ) async throws {
        try await withRegistry(.with { $0.failure = failure }) { registry in
            let settings =
                #"{"upstream":"http://x","accepts_signups":true,"default_for_signups":false}"#
            let writes: [(String, String, String?)] = [
                ("POST", "/v1/domains", #"{"fqdn":"a.example.com"}"#),
                ("POST", "/v1/domains/batch", #"{"domains":[{"fqdn":"a.example.com"}]}"#),
                ("PATCH", "/v1/domains/a.example.com", #"{"mode":"reject"}"#),
                ("DELETE", "/v1/domains/a.example.com", nil),
                ("POST", "/v1/domains/a.example.com/restore", "{}"),
                ("PUT", "/v1/locations/aws", settings), ("DELETE", "/v1/locations/aws", nil),
                ("POST", "/v1/tokens", #"{"name":"n","role":"reader"}"#),
                ("DELETE", "/v1/tokens/x", nil),
            ]
            for (method, target, body) in writes {
                let answer = try await registry.send(.init(rawValue: method), target, json: body)
                #expect(answer.isProblem(status, code))
                #expect(answer.header("Retry-After") == retryAfter)
            }
            for path in ["/v1/domains", "/v1/stats", "/v1/history", "/readyz"] {
                #expect(try await registry.get(path).status == 200)
            }
        }
    }
}
