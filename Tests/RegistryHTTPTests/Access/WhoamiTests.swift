import RegistryAPI
import RegistryModel
import RegistryService
import Testing

@Suite("Who a token is", .whateverTheStore, .timeLimit(.minutes(15))) struct WhoamiTests {
    /// By the least role of each operation in openapi.yaml.
    private static func operations(for role: Role) -> Set<String> {
        let order = [
            "none": Permission?.none, "reader": .read, "registrar": .register, "auditor": .audit,
            "operator": .operate, "admin": .administer,
        ]
        let open = OpenAPIDocument.shared.operations.filter { operation in
            guard let least = operation.role, let permission = order[least] else { return false }
            return permission.map(role.may) ?? true
        }
        return Set(open.compactMap { $0.value["operationId"]?.text })
    }

    @Test(arguments: Role.allCases)
    func `and what it may do is what openapi.yaml says of its role`(role: Role) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/whoami", as: .role(role))
            #expect(answer.status == 200)
            let id = String(registry.token(role).split(separator: "_")[1])
            #expect(answer["token"]?.text == id)
            #expect(answer["name"]?.text == "test-\(role.rawValue)")
            #expect(answer["role"]?.text == role.rawValue)
            #expect(answer["expires_at"] == nil)
            let may = answer["may"]?.array.compactMap(\.text) ?? []
            #expect(Set(may) == Self.operations(for: role))
            #expect(may.count == Set(may).count && may.contains("getWhoami"))
        }
    }

    @Test func `says what it may set aside, and each is refused to who may not`() async throws {
        try await withRegistry { registry in
            let allowed: [Role: [String]] = [
                .reader: [], .registrar: [], .auditor: [],
                .operator_: ["allow_nested", "allow_split"],
                .admin: ["allow_nested", "allow_split", "override"],
            ]
            for role in Role.allCases {
                let answer = try await registry.get("/v1/whoami", as: .role(role))
                #expect(answer["overrides"]?.array.compactMap(\.text) == allowed[role])
            }
            for (number, member) in ["allow_nested", "allow_split"].enumerated() {
                let body = #"{"fqdn":"n\#(number).example.com","\#(member)":true}"#
                let refused = try await registry.post("/v1/domains", as: .role(.registrar), body)
                #expect(refused.isProblem(403, "forbidden"))
                let taken = try await registry.post("/v1/domains", as: .role(.operator_), body)
                #expect(taken.status == 201)
            }
            let migration = try await registry.planned(["m.example.com"])
            let body = migration.agreement(more: #","override":{"reason":"must"}"#)
            let refused = try await registry.post(
                migration.path("cutover"), as: .role(.operator_), body)
            #expect(refused.isProblem(403, "forbidden"))
            try await registry.succeed(migration.path("cutover"), body, as: .role(.admin))
        }
    }

    @Test func `says when it ends, and nothing once it has`() async throws {
        try await withRegistry { registry in
            let end = registry.clock.now.adding(.seconds(60))
            let (_, secret) = try await registry.service.createToken(
                name: "short", role: .reader, expiresAt: end,
                WriteContext(actor: .system, requestID: "test"))
            let sender = Sender.authorization("Bearer \(secret.text)")
            let answer = try await registry.get("/v1/whoami", as: sender)
            #expect(answer["expires_at"]?.text == end.description)
            registry.clock.advance(by: .seconds(60))
            #expect(try await registry.get("/v1/whoami", as: sender).status == 401)
        }
    }

    @Test(arguments: [false, true])
    func `is anonymous where that may read, and else nobody`(isAllowed: Bool) async throws {
        let settings = RegistrySettings.with { $0.http.allowsAnonymousReads = isAllowed }
        try await withRegistry(settings) { registry in
            let answer = try await registry.get("/v1/whoami", as: .nobody)
            guard isAllowed else {
                #expect(answer.isProblem(401, "unauthenticated"))
                return
            }
            #expect(answer["token"]?.text == "anonymous" && answer["name"]?.text == "anonymous")
            #expect(answer["role"]?.text == "reader" && answer["overrides"]?.array == [])
            let may = answer["may"]?.array.compactMap(\.text) ?? []
            #expect(Set(may) == Self.operations(for: .reader))
        }
    }

    @Test func `takes no parameters of its own`() async throws {
        try await withRegistry { registry in
            #expect(
                try await registry.get("/v1/whoami?role=admin").isProblem(400, "invalid-request"))
            let head = try await registry.head()
            #expect(try await registry.get("/v1/whoami?min_revision=\(head)").status == 200)
        }
    }
}
