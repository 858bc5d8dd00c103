import RegistryAPI
import RegistryModel
import Testing

@Suite("The history of a migration", .timeLimit(.minutes(15))) struct MigrationHistoryTests {
    private static let names = ["a.example.com", "b.example.com"]

    @Test func `has every step with its migration and wave, who and why`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(Self.names)
            try await registry.patch("a.example.com", #"{"tenant":"ay"}"#)
            let migration = try await registry.plan(
                Self.names + ["x.example.com"], waves: #"[{"count":1},{"rest":true}]"#,
                freeze: "read_only")
            let other = try await registry.planned(["c.example.com"])
            let note = #","reason":"night shift","ticket":"T-7""#
            try await registry.succeed(migration.path("freeze"), migration.freeze(more: note))
            try await registry.succeed(migration.path("cutover"), migration.agreement(more: note))
            try await registry.succeed(
                migration.path("rollback"), #"{"reason":"night shift","ticket":"T-7"}"#)
            try await registry.freeze(migration, 2)
            try await registry.succeed(migration.path("thaw", 2))
            try await registry.succeed("\(migration.path)/cancel")
            try await registry.succeed("\(migration.path)/finalize")
            try await registry.succeed("\(other.path)/cancel")

            let items = try await registry.get(
                "/v1/history?migration=\(migration.id)&order=asc", as: .role(.auditor)
            ).items
            #expect(
                items.map { item in
                    "\(item["action"]?.text ?? "") \(item["wave"]?.number ?? 0) \(item["fqdn"]?.text ?? item["subject"]?.text ?? "")"
                } == [
                    "migration_planned 0 \(migration.id)", "frozen 1 a.example.com",
                    "moved 1 a.example.com", "rolled_back 1 a.example.com",
                    "frozen 2 b.example.com", "thawed 2 b.example.com",
                    "migration_cancelled 0 \(migration.id)",
                    "migration_finalized 0 \(migration.id)",
                ])
            #expect(items.allSatisfy { $0["migration"]?.text == migration.id })
            #expect(items.allSatisfy { $0["actor"]?["role"]?.text == "operator" })
            for item in items[1...3] {
                #expect(item["reason"]?.text == "night shift" && item["ticket"]?.text == "T-7")
                #expect(item["override_reason"] == nil)
            }
            Self.expectPlaces(items)
            Self.expectPlan(items, migration)
        }
    }

    private static func expectPlaces(_ items: [JSONValue]) {
        func place(_ item: JSONValue, _ side: String) -> String {
            let place = item[side] ?? .null
            return "\(place["location"]?.text ?? "") \(place["mode"]?.text ?? "")"
                + " \(place["tenant"]?.text ?? "")"
        }
        #expect(
            items[1...3].map { place($0, "before") }
                == ["japan serve ay", "japan read_only ay", "aws serve ay"])
        #expect(
            items[1...3].map { place($0, "after") }
                == ["japan read_only ay", "aws serve ay", "japan serve ay"])
    }

    private static func expectPlan(_ items: [JSONValue], _ migration: TestMigration) {
        let planned = items[0]
        #expect(planned["before"] == .null)
        let after = planned["after"] ?? .null
        #expect(after["name"]?.text == "japan-to-aws" && after["freeze"]?.text == "read_only")
        #expect(after["plan_digest"]?.text == migration.digest)
        #expect(after["waves"]?.array.map(\.number) == [1, 1])
        let states = items.suffix(2).map {
            "\($0["before"]?["state"]?.text ?? "") \($0["after"]?["state"]?.text ?? "")"
        }
        #expect(states == ["running running", "running finalized"])
    }

    @Test func `is filtered by action and place, and a domain's own has it too`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.freeze(migration)
            try await registry.cutOver(migration)
            func actions(_ target: String) async throws -> [String?] {
                try await registry.get(target).items.map { $0["action"]?.text }
            }
            let query = "/v1/history?migration=\(migration.id)"
            #expect(try await actions("\(query)&action=moved") == ["moved", "moved"])
            #expect(try await actions("\(query)&location=aws") == ["moved", "moved"])
            #expect(try await actions("\(query)&action=registered").isEmpty)
            #expect(
                try await actions("/v1/domains/a.example.com/history")
                    == ["moved", "frozen", "registered"])
            #expect(
                try await actions("/v1/domains/a.example.com/history?migration=\(migration.id)")
                    == ["moved", "frozen"])
            #expect(
                try await actions("/v1/domains/a.example.com/history?migration=other").isEmpty)
        }
    }

    @Test func `is paged through the middle of a wave`() async throws {
        try await withRegistry { registry in
            let names = (100..<150).map { "n\($0).example.com" }
            let migration = try await registry.planned(names)
            try await registry.cutOver(migration)
            var found: [String] = []
            var target: String? = "/v1/history?action=moved&order=asc&limit=7"
            while let next = target {
                let page = try await registry.get(next)
                found += page.items.compactMap { $0["fqdn"]?.text }
                target = page.header("Link").map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(found == names)
        }
    }
}
