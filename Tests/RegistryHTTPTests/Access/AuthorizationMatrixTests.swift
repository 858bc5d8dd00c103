import NIOHTTP1
import RegistryModel
import RegistryService
import Testing

/// Every route of the server with every kind of caller: a new route is in here by itself.
@Suite("Authorization", .whateverTheStore, .timeLimit(.minutes(10))) struct AuthorizationMatrixTests
{
    private struct Case {
        var method: HTTPMethod
        var target: String
        var permission: String
    }

    /// What the contract expects of a request.
    private enum Verdict: String {
        case unauthenticated, forbidden, allowed
    }

    /// Parameters name nothing that exists, so that no request changes anything.
    private static func cases(_ registry: RunningRegistry) -> [Case] {
        // CONNECT names no path, and M-SEARCH has two spellings inside the server.
        let operations = registry.server.operations
            .filter { !["CONNECT", "MSEARCH"].contains($0.method) }
        return operations.map { operation in
            let target = operation.path.replacing("{fqdn}", with: "nobody.example.com")
                .replacing("{name}", with: "nowhere").replacing("{id}", with: "nobody")
                .replacing("{path}", with: "some/path")
            return Case(
                method: HTTPMethod(rawValue: operation.method), target: target,
                permission: operation.permission)
        }
    }

    private static func expectAll(
        _ registry: RunningRegistry, as sender: Sender, _ verdict: (Case) -> Verdict
    ) async throws {
        let head = try await registry.head()
        for item in cases(registry) {
            let takesBody: [HTTPMethod] = [.POST, .PUT, .PATCH]
            let answer = try await registry.send(
                item.method, item.target, as: sender,
                json: takesBody.contains(item.method) ? #"{"nonsense":1}"# : nil)
            let seen: Verdict =
                switch answer.status {
                case 401: .unauthenticated
                case 403: .forbidden
                default: .allowed
                }
            #expect(seen == verdict(item), "\(item.method) \(item.target) as \(sender)")
            // On PostgreSQL there's no backup through the API.
            #expect(answer.status < 500 || answer.status == 501, "\(item.target)")
        }
        #expect(try await registry.head() == head)
    }

    private static func isReadOrOpen(_ item: Case) -> Bool {
        ["read", "none"].contains(item.permission)
    }

    @Test(arguments: Role.allCases)
    func `lets each role do what the contract's table says, on every route`(
        role: Role
    ) async throws {
        try await withRegistry { registry in
            try await Self.expectAll(registry, as: .role(role)) { item in
                guard let permission = Permission(rawValue: item.permission) else {
                    return .allowed
                }
                return role.may(permission) ? .allowed : .forbidden
            }
        }
    }

    @Test(arguments: [false, true])
    func `takes requests without a token only where the route or anonymous reads allow it`(
        anonymous: Bool
    ) async throws {
        let settings = RegistrySettings.with { $0.http.allowsAnonymousReads = anonymous }
        try await withRegistry(settings) { registry in
            // What isn't a token of ours counts as none: visitors' headers come along.
            let none: [Sender] = [
                .nobody, .authorization("Basic Zm9vOmJhcg=="),
                .authorization("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"), .authorization("Bearer"),
                .authorization("trk_a_b"), .authorization(""),
            ]
            for sender in none {
                try await Self.expectAll(registry, as: sender) { item in
                    if item.permission == "none" { return .allowed }
                    return anonymous && item.permission == "read" ? .allowed : .unauthenticated
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `refuses wrong, expired and revoked tokens on every route that needs one`(
        anonymous: Bool
    ) async throws {
        let settings = RegistrySettings.with { $0.http.allowsAnonymousReads = anonymous }
        try await withRegistry(settings) { registry in
            let context = WriteContext(actor: .system, requestID: "test")
            let expiry = registry.clock.now.adding(.seconds(60))
            let (_, expired) = try await registry.service.createToken(
                name: "expired", role: .admin, expiresAt: expiry, context)
            let (_, revoked) = try await registry.service.createToken(
                name: "revoked", role: .admin, expiresAt: nil, context)
            _ = try await registry.service.revokeToken(revoked.id, context)
            registry.clock.advance(by: .seconds(60))

            let admin = registry.token(.admin)
            let id = admin.split(separator: "_")[1]
            let texts = [
                expired.text, revoked.text, "trk_", "trk_x", "trk__", "trk_\(id)_",
                "trk_\(id)_wrong",
                String(admin.dropLast()), admin + "0", "trk_" + String(repeating: "a", count: 9000),
            ]
            for text in texts {
                try await Self.expectAll(registry, as: .authorization("Bearer \(text)")) { item in
                    item.permission == "none" ? .allowed : .unauthenticated
                }
            }
        }
    }
}
