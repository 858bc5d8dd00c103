import RegistryModel
import Testing

@Suite("A step that makes no sense", .whateverTheStore, .timeLimit(.minutes(15)))
struct WaveValidationTests {
    static let bodies: [(String, String, [String])] = [
        ("cutover", "{}", ["/plan_digest required", "/expected_count required"]),
        (
            "freeze", "{}",
            ["/plan_digest required", "/expected_count required", "/deadline_seconds required"]
        ),
        (
            "freeze", #"{"plan_digest":"d","expected_count":1}"#, ["/deadline_seconds required"]
        ),
        (
            "cutover", #"{"plan_digest":5,"expected_count":"1"}"#,
            ["/plan_digest wrong-type", "/expected_count wrong-type"]
        ),
        ("cutover", #"{"plan_digest":"","expected_count":1}"#, ["/plan_digest too-short"]),
        (
            "cutover",
            #"{"plan_digest":"\#(String(repeating: "d", count: 101))","expected_count":1}"#,
            ["/plan_digest too-long"]
        ),
        ("cutover", #"{"plan_digest":"d","expected_count":-1}"#, ["/expected_count out-of-range"]),
        ("cutover", #"{"plan_digest":"d","expected_count":1.0}"#, ["/expected_count wrong-type"]),
        (
            "cutover", #"{"plan_digest":"d","expected_count":1,"deadline_seconds":5}"#,
            ["/deadline_seconds unknown-field"]
        ),
        (
            "freeze", #"{"plan_digest":"d","expected_count":1,"deadline_seconds":0}"#,
            ["/deadline_seconds out-of-range"]
        ),
        (
            "freeze", #"{"plan_digest":"d","expected_count":1,"deadline_seconds":604801}"#,
            ["/deadline_seconds out-of-range"]
        ),
        (
            "freeze", #"{"plan_digest":"d","expected_count":1,"deadline_seconds":"PT5M"}"#,
            ["/deadline_seconds wrong-type"]
        ),
        (
            "cutover", #"{"plan_digest":"d","expected_count":1,"override":true}"#,
            ["/override wrong-type"]
        ),
        (
            "cutover", #"{"plan_digest":"d","expected_count":1,"override":null}"#,
            ["/override wrong-type"]
        ),
        (
            "cutover", #"{"plan_digest":"d","expected_count":1,"override":{}}"#,
            ["/override/reason required"]
        ),
        (
            "cutover",
            #"{"plan_digest":"d","expected_count":1,"override":{"reason":"","by":"me"}}"#,
            ["/override/reason too-short", "/override/by unknown-field"]
        ),
        (
            "freeze",
            #"{"plan_digest":"d","expected_count":1,"deadline_seconds":5,"override":{"reason":"\#(String(repeating: "r", count: 501))"}}"#,
            ["/override/reason too-long"]
        ),
        ("rollback", #"{"on_conflict":"ignore"}"#, ["/on_conflict not-allowed"]),
        ("rollback", #"{"on_conflict":null}"#, ["/on_conflict wrong-type"]),
        ("rollback", #"{"plan_digest":"d"}"#, ["/plan_digest unknown-field"]),
        ("rollback", "[]", [" wrong-type"]),
        ("thaw", #"{"on_conflict":"skip"}"#, ["/on_conflict unknown-field"]),
        (
            "thaw",
            #"{"reason":"\#(String(repeating: "r", count: 501))","ticket":"a\nb"}"#,
            ["/reason too-long", "/ticket invalid"]
        ),
        ("../../finalize", #"{"force":true}"#, ["/force unknown-field"]),
        ("../../cancel", #"{"reason":5}"#, ["/reason wrong-type"]),
    ]

    @Test func `is told everything that is wrong with its body`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let head = try await registry.head()
            for (verb, body, complaints) in Self.bodies {
                let target =
                    verb.hasPrefix("../../")
                    ? "\(migration.path)/\(verb.dropFirst(6))" : migration.path(verb)
                let answer = try await registry.post(target, body)
                #expect(answer.isProblem(400, "invalid-request"), "\(verb) \(body)")
                #expect(answer.complaints == complaints, "\(verb) \(body)")
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `and isn't JSON, or no body at all, is 400`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            for verb in ["freeze", "cutover", "rollback", "thaw"] {
                let broken = try await registry.post(migration.path(verb), #"{"plan_digest":"#)
                #expect(broken.isProblem(400, "invalid-json"))
                let twice = try await registry.post(
                    migration.path(verb), #"{"reason":"","reason":""}"#)
                #expect(twice.isProblem(400, "invalid-json"))
                if ["freeze", "cutover"].contains(verb) {
                    let none = try await registry.send(.POST, migration.path(verb))
                    #expect(none.isProblem(400, "invalid-json"))
                }
                let form = try await registry.send(
                    .POST, migration.path(verb), json: "a=b",
                    headers: [("Content-Type", "application/x-www-form-urlencoded")])
                #expect(form.isProblem(415, "unsupported-media-type"))
            }
        }
    }

    static let queries: [(String, String, [String])] = [
        ("cutover", "timeout=301", ["?timeout invalid"]),
        ("cutover", "wait=all", ["?wait invalid"]),
        ("cutover", "wait=", ["?wait invalid"]),
        ("cutover", "wait=converged&timeout=301", ["?timeout invalid"]),
        ("cutover", "wait=converged&timeout=-1", ["?timeout invalid"]),
        ("freeze", "wait=converged&timeout=nan", ["?timeout invalid"]),
        ("freeze", "wait=converged&timeout=", ["?timeout invalid"]),
        ("freeze", "wait=converged&timeout=5s", ["?timeout invalid"]),
        ("rollback", "wait=converged&timeout=1&timeout=2", ["?timeout repeated"]),
        ("rollback", "wait=converged&wait=converged", ["?wait repeated"]),
        ("cutover", "require=all", ["?require invalid"]),
        ("freeze", "require=converged", ["?require unknown-parameter"]),
        ("rollback", "require=converged", ["?require unknown-parameter"]),
        ("thaw", "wait=converged", ["?wait unknown-parameter"]),
        ("cutover", "force=true", ["?force unknown-parameter"]),
    ]

    @Test func `is told what is wrong with its query`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let head = try await registry.head()
            let bodies = ["freeze": migration.freeze(), "cutover": migration.agreement()]
            for (verb, query, complaints) in Self.queries {
                let answer = try await registry.post(
                    "\(migration.path(verb))?\(query)", bodies[verb] ?? "")
                #expect(answer.isProblem(400, "invalid-request"), "\(verb) \(query)")
                #expect(answer.complaints == complaints, "\(verb) \(query)")
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `that waits for agents is answered at once while there are none`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let steps = [
                ("freeze?wait=converged&timeout=0", migration.freeze()),
                ("cutover?wait=converged&timeout=300&require=converged", migration.agreement()),
                ("rollback?wait=converged", ""),
            ]
            for (step, body) in steps {
                let answer = try await registry.succeed(migration.path(step), body)
                #expect(answer["convergence", "agents"]?.number == 0)
                #expect(answer["convergence", "converged"]?.number == 0)
                #expect(answer["convergence", "lagging"]?.array.isEmpty == true)
            }
        }
    }

    @Test func `that names a timeout and no wait is answered as without both`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let steps = [
                ("freeze?timeout=30.0", migration.freeze()),
                ("cutover?timeout=30", migration.agreement()), ("rollback?timeout=30", ""),
            ]
            for (step, body) in steps {
                let answer = try await registry.succeed(migration.path(step), body)
                #expect(answer["convergence"] == nil, "\(step)")
            }
        }
    }

    @Test func `isn't a POST`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            for method in ["GET", "PUT", "DELETE", "PATCH"] {
                for target in [
                    migration.path("freeze"), migration.path("cutover"), migration.path("rollback"),
                    migration.path("thaw"), "\(migration.path)/finalize",
                    "\(migration.path)/cancel",
                ] {
                    let answer = try await registry.send(.init(rawValue: method), target)
                    #expect(answer.isProblem(405, "method-not-allowed"))
                    #expect(answer.header("Allow") == "POST")
                }
            }
        }
    }
}
