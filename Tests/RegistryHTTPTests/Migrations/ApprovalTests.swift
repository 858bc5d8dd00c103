import RegistryAPI
import RegistryModel
import RegistryService
import Testing

@Suite("Two people", .timeLimit(.minutes(15))) struct ApprovalTests {
    private static let names = ["a.example.com", "b.example.com", "c.example.com"]
    private static let settings = RegistrySettings.with { $0.approval = ApprovalRule(above: 2) }

    private static func body(_ migration: TestMigration, more: String = "") -> String {
        #"{"plan_digest":"\#(migration.digest)"\#(more)}"#
    }

    /// Another operator's token, under the name of the first one.
    private static func namesake(_ registry: RunningRegistry) async throws -> Sender {
        let (_, secret) = try await registry.service.createToken(
            name: "test-operator", role: .operator_, expiresAt: nil,
            WriteContext(actor: .system, requestID: "start"))
        return .authorization("Bearer \(secret.text)")
    }

    @Test func `let a large wave go on, and are told apart by their tokens`() async throws {
        try await withRegistry(Self.settings) { registry in
            let migration = try await registry.planned(Self.names, freeze: "read_only")
            let operator_ = Sender.role(.operator_)
            let early = try await registry.post(
                migration.path("announce"), as: operator_, migration.agreement())
            #expect(early.isProblem(409, "approval-required"))
            let held = try await registry.post(
                migration.path("freeze"), as: operator_, migration.freeze())
            #expect(held.isProblem(409, "approval-required"))
            let planner = String(registry.token(.operator_).split(separator: "_")[1])
            #expect(held["detail"]?.text?.contains("3 domains; above 2") == true)
            #expect(held["detail"]?.text?.contains(planner) == true)

            let own = try await registry.post(
                migration.path("approve"), as: operator_, Self.body(migration))
            #expect(own.isProblem(403, "self-approval"))
            let lead = try await Self.namesake(registry)
            let approved = try await registry.post(
                migration.path("approve"), as: lead,
                Self.body(migration, more: #","reason":"looked at","ticket":"CHG-1""#))
            #expect(approved.status == 200, "\(approved.text)")
            let revision = try #require(approved["approved_revision"]?.number)
            #expect(try await registry.head() == revision)
            #expect(approved.header("X-Registry-Revision")?.hasSuffix(".\(revision)") == true)
            #expect(approved["migration"]?.text == migration.id && approved["wave"]?.number == 1)
            #expect(approved["approved_by"]?["name"]?.text == "test-operator")
            #expect(approved["approved_by"]?["token"]?.text != planner)

            let shown = try await registry.get(migration.path)["waves"]?.array[0]
            for member in ["approved_by", "approved_at", "approved_revision"] {
                #expect(shown?[member] == approved[member], "\(member)")
            }
            #expect(shown?["needs_approval"] == nil)
            try await registry.succeed(migration.path("freeze"), migration.freeze())
            try await registry.succeed(migration.path("thaw"))
            try await registry.succeed(migration.path("freeze"), migration.freeze())
            try await registry.succeed(migration.path("cutover"), migration.agreement())
        }
    }

    @Test func `are asked for by the plan, its dry run and lists`() async throws {
        try await withRegistry(Self.settings) { registry in
            try await registry.registerAll(Self.names)
            let body = RunningRegistry.planBody(Self.names)
            let dry = try await registry.post("/v1/migrations?dry_run=true", body)
            let plan = try await registry.post("/v1/migrations", body)
            let list = try await registry.get("/v1/migrations")
            for answer in [dry, plan] {
                let warning = try #require(answer["warnings"]?.array.first)
                #expect(warning["code"]?.text == "approval-required")
                #expect(warning["wave"]?.number == 1)
            }
            for item in [dry["waves"], plan["waves"], list["items"]?.array[0]["waves"]] {
                #expect(item?.array[0]["needs_approval"] == .bool(true))
            }
        }
    }

    @Test func `have each refusal its code`() async throws {
        try await withRegistry(Self.settings) { registry in
            let migration = try await registry.planned(Self.names)
            let path = migration.path("approve")
            for role in [Role.reader, .registrar, .auditor] {
                let answer = try await registry.post(path, as: .role(role), Self.body(migration))
                #expect(answer.isProblem(403, "forbidden"))
            }
            #expect(try await registry.post(path, "{}").isProblem(400, "invalid-request"))
            #expect(
                try await registry.post(path, Self.body(migration, more: #","wave":1"#))
                    .isProblem(400, "invalid-request"))
            #expect(
                try await registry.post(path, #"{"plan_digest":"sha256:00"}"#)
                    .isProblem(412, "plan-mismatch"))
            for wave in ["2", "0", "x"] {
                let answer = try await registry.post(
                    "\(migration.path)/waves/\(wave)/approve", Self.body(migration))
                #expect(answer.isProblem(404, "unknown-wave"))
            }
            #expect(
                try await registry.post(
                    "/v1/migrations/m-unknown/waves/1/approve", Self.body(migration)
                ).isProblem(404, "unknown-migration"))
            try await registry.succeed("\(migration.path)/cancel")
            let late = try await registry.post(path, Self.body(migration))
            #expect(late.isProblem(409, "wrong-state"))
            #expect(late["state"]?.text == "cancelled")
            #expect(
                late["detail"]?.text?.contains("only a planned or announced wave can be approved")
                    == true)
        }
    }

    @Test func `are recorded once, whatever is repeated`() async throws {
        try await withRegistry(Self.settings) { registry in
            let migration = try await registry.planned(Self.names)
            let path = migration.path("approve")
            let first = try await registry.post(path, Self.body(migration), key: "approve-1")
            #expect(first.status == 200)
            let head = try await registry.head()
            let replay = try await registry.post(path, Self.body(migration), key: "approve-1")
            #expect(replay.header("Idempotency-Replayed") == "true" && replay.bytes == first.bytes)
            let other = try await registry.post(
                path, as: Self.namesake(registry), Self.body(migration))
            #expect(other.status == 200 && other.bytes == first.bytes)
            #expect(other.header("Idempotency-Replayed") == nil)
            // The namesake's token is the one revision since.
            #expect(try await registry.head() == head + 1)
            let reused = try await registry.post(
                path, Self.body(migration, more: #","reason":"other""#), key: "approve-1")
            #expect(reused.isProblem(422, "idempotency-key-reused"))
        }
    }

    @Test func `are in history: pages, lines and CSV`() async throws {
        try await withRegistry(Self.settings) { registry in
            let migration = try await registry.planned(Self.names)
            try await registry.succeed(
                migration.path("approve"), Self.body(migration, more: #","ticket":"CHG-1""#),
                as: .role(.admin))
            let target = "/v1/history?action=wave_approved&migration=\(migration.id)"
            let items = try await registry.get(target)["items"]?.array ?? []
            #expect(items.count == 1)
            let item = try #require(items.first)
            #expect(item["subject"]?.text == migration.id && item["fqdn"] == nil)
            #expect(item["before"] == .null)
            #expect(item["after"]?["wave"]?.number == 1)
            #expect(item["after"]?["plan_digest"]?.text == migration.digest)
            #expect(item["migration"]?.text == migration.id && item["wave"]?.number == 1)
            #expect(item["ticket"]?.text == "CHG-1" && item["actor"]?["role"]?.text == "admin")
            let lines = try await registry.get(
                target, headers: [("Accept", "application/x-ndjson")])
            #expect(try JSONValue(parsing: lines.bytes.dropLast()) == item)
            let csv = try await registry.get(target, headers: [("Accept", "text/csv")])
            #expect(csv.text.contains(",wave_approved,"))
            #expect(csv.text.contains(#""{""plan_digest"":""\#(migration.digest)"",""wave"":1}""#))
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `pass by whoever follows the table`() async throws {
        try await withRegistry(Self.settings) { registry in
            let migration = try await registry.planned(Self.names)
            let before = try await registry.head()
            try await registry.succeed(
                migration.path("approve"), Self.body(migration), as: .role(.admin))
            let page = try await registry.page(after: before)
            #expect(page.to.number == before + 1 && page.changes.isEmpty)
        }
    }
}
