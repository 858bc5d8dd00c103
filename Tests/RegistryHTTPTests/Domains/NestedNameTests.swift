import RegistryModel
import Testing

@Suite("A name below or above another over HTTP", .timeLimit(.minutes(15)))
struct NestedNameTests {
    private static let nested = #"{"fqdn":"x.acme.example.com","tenant":"bee","allow_nested":true}"#

    @Test func `is refused with the other name, unless an operator says so`() async throws {
        try await withRegistry { registry in
            try await registry.post(
                "/v1/domains", #"{"fqdn":"acme.example.com","tenant":"acme"}"#)
            for role in [Role.registrar, .operator_] {
                let refused = try await registry.send(
                    .POST, "/v1/domains", as: .role(role),
                    json: #"{"fqdn":"x.acme.example.com","tenant":"bee"}"#)
                #expect(refused.isProblem(409, "name-entangled"))
                #expect(refused["entangled_with"]?.text == "acme.example.com")
            }
            let asked = try await registry.get("/v1/domains/x.acme.example.com/availability")
            #expect(asked["available"] == .bool(false))
            #expect(asked["code"]?.text == "name-entangled")
            #expect(asked["entangled_with"]?.text == "acme.example.com")
            let certificate = try await registry.get("/v1/tls-ask?domain=x.acme.example.com")
            #expect(certificate.status == 404)

            let forbidden = try await registry.send(
                .POST, "/v1/domains", as: .role(.registrar), json: Self.nested)
            #expect(forbidden.isProblem(403, "forbidden"))
            let allowed = try await registry.send(
                .POST, "/v1/domains", as: .role(.operator_), json: Self.nested)
            #expect(allowed.status == 201)
            let now = try await registry.get("/v1/tls-ask?domain=x.acme.example.com")
            #expect(now.status == 200)
        }
    }

    @Test func `is refused in a batch, a change and a restore`() async throws {
        try await withRegistry { registry in
            let rows =
                #"{"fqdn":"a.example.com","tenant":"one"},{"fqdn":"x.a.example.com","tenant":"two"}"#
            func codes(_ more: String) async throws -> [String?] {
                let body = #"{"domains":[\#(rows)]\#(more)}"#
                return try await registry.post("/v1/domains/batch", body)["results"]?.array
                    .map { $0["code"]?.text } ?? []
            }
            #expect(try await codes("") == [nil, "name-entangled"])
            #expect(try await codes(#","allow_nested":true"#) == ["domain-taken", nil])
            let path = "/v1/domains/x.a.example.com"
            try await registry.send(.DELETE, path)
            let restored = try await registry.send(.POST, path + "/restore", json: "{}")
            #expect(restored.isProblem(409, "name-entangled"))
            let allowed = try await registry.send(
                .POST, path + "/restore", json: #"{"allow_nested":true}"#)
            #expect(allowed.status == 200)
            let changed = try await registry.send(.PATCH, path, json: #"{"tenant":"three"}"#)
            #expect(changed.isProblem(409, "name-entangled"))
            let forced = try await registry.send(
                .PATCH, path, json: #"{"tenant":"three","allow_nested":true}"#)
            #expect(forced.status == 200)
        }
    }

    @Test func `has no more bytes than the operator allows`() async throws {
        try await withRegistry(.with { $0.maximumNameBytes = 20 }) { registry in
            for (name, status) in [("a2345678.example.com", 201), ("a23456789.example.com", 400)] {
                let answer = try await registry.send(
                    .POST, "/v1/domains", json: #"{"fqdn":"\#(name)"}"#)
                #expect(answer.status == status)
            }
            let asked = try await registry.get("/v1/domains/a23456789.example.com/availability")
            #expect(asked.isProblem(400, "invalid-fqdn"))
        }
    }
}
