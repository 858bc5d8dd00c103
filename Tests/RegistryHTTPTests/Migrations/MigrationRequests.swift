import RegistryAPI
import RegistryModel
import Testing

/// A migration as the answer to its plan had it, for tests of what comes after.
struct TestMigration: Sendable {
    var id: String
    var digest: String
    var sizes: [Int64]

    var path: String { "/v1/migrations/\(id)" }

    func path(_ verb: String, _ wave: Int = 1) -> String { "\(path)/waves/\(wave)/\(verb)" }

    /// A body that agrees to the plan: for a cutover, and with `more` for a freeze.
    func agreement(_ wave: Int = 1, more: String = "") -> String {
        #"{"plan_digest":"\#(digest)","expected_count":\#(sizes[wave - 1])\#(more)}"#
    }

    func freeze(_ wave: Int = 1, seconds: Int = 600, more: String = "") -> String {
        agreement(wave, more: #","deadline_seconds":\#(seconds)\#(more)"#)
    }
}

extension RunningRegistry {
    /// Registers names at japan and plans their move to aws.
    func planned(
        _ names: [String], waves: String? = nil, freeze: String = "none",
        as sender: Sender = .role(.operator_), at place: SourceLocation = #_sourceLocation
    ) async throws -> TestMigration {
        try await registerAll(names, at: place)
        return try await plan(names, waves: waves, freeze: freeze, as: sender, at: place)
    }

    /// Plans a move of names that are there.
    func plan(
        _ names: [String], from: String = "japan", to: String = "aws", waves: String? = nil,
        freeze: String = "none", as sender: Sender = .role(.operator_), key: String? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> TestMigration {
        let answer = try await post(
            "/v1/migrations", as: sender,
            Self.planBody(names, from: from, to: to, waves: waves, freeze: freeze), key: key,
            at: place)
        try #require(answer.status == 201, "\(answer.text)", sourceLocation: place)
        return TestMigration(
            id: try #require(answer["id"]?.text), digest: try #require(answer["plan_digest"]?.text),
            sizes: answer["waves"]?.array.compactMap { $0["size"]?.number } ?? [])
    }

    static func planBody(
        _ names: [String], from: String = "japan", to: String = "aws", waves: String? = nil,
        freeze: String = "none", more: String = ""
    ) -> String {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        let waves = waves.map { #","waves":\#($0)"# } ?? ""
        return #"{"from":"\#(from)","to":"\#(to)","freeze":"\#(freeze)""#
            + #","select":{"fqdns":[\#(list)]}\#(waves)\#(more)}"#
    }

    /// A step that has to succeed.
    @discardableResult
    func succeed(
        _ target: String, _ body: String = "", as sender: Sender = .role(.operator_),
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let answer = try await post(target, as: sender, body, at: place)
        try #require(answer.status == 200, "\(answer.text)", sourceLocation: place)
        return answer
    }

    @discardableResult
    func freeze(
        _ migration: TestMigration, _ wave: Int = 1, seconds: Int = 600,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await succeed(
            migration.path("freeze", wave), migration.freeze(wave, seconds: seconds), at: place)
    }

    @discardableResult
    func cutOver(
        _ migration: TestMigration, _ wave: Int = 1, at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await succeed(migration.path("cutover", wave), migration.agreement(wave), at: place)
    }

    @discardableResult
    func patch(
        _ name: String, _ body: String, at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let answer = try await send(.PATCH, "/v1/domains/\(name)", json: body, at: place)
        try #require(answer.status == 200, "\(answer.text)", sourceLocation: place)
        return answer
    }

    /// Where names are, as a lookup tells: `aws serve`, `unknown-domain`.
    func places(_ names: [String]) async throws -> [String] {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        let answer = try await post("/v1/lookup", #"{"fqdns":[\#(list)]}"#)
        return (answer["results"]?.array ?? []).map { result in
            guard let location = result["location"]?.text, let mode = result["mode"]?.text else {
                return result["code"]?.text ?? ""
            }
            return "\(location) \(mode)"
        }
    }

    /// The states of a migration and of its waves: `running: moved planned`.
    func states(of migration: TestMigration) async throws -> String {
        try await get(migration.path).states
    }
}

extension Answer {
    /// Of a migration: `running: moved planned`.
    var states: String {
        let waves = (self["waves"]?.array ?? []).map { $0["state"]?.text ?? "" }
        return "\(self["state"]?.text ?? ""): \(waves.joined(separator: " "))"
    }

    /// Of a migration's domains or skipped names: `a.example.com 1 moved`.
    var rows: [String] { (self["skipped"]?.array ?? items).map(\.row) }

    var isReplay: Bool { header("Idempotency-Replayed") == "true" }
}

extension JSONValue {
    fileprivate var row: String {
        let parts = [self["fqdn"]?.text, self["wave"]?.number.map { "\($0)" }]
        return (parts + [self["status"]?.text, self["code"]?.text]).compactMap(\.self)
            .joined(separator: " ")
    }
}
