import NIOHTTP1
import RegistryModel
import RegistryService
import Testing

@Suite("A tenant's domains over HTTP", .timeLimit(.minutes(15))) struct TenantTests {
    private static func register(
        _ registry: RunningRegistry, _ name: String, _ tenant: String, at location: String? = nil,
        _ more: String = "", as role: Role = .operator_
    ) async throws -> Answer {
        let place = location.map { #","location":"\#($0)""# } ?? ""
        return try await registry.send(
            .POST, "/v1/domains", as: .role(role),
            json: #"{"fqdn":"\#(name)","tenant":"\#(tenant)"\#(place)\#(more)}"#)
    }

    /// A client's URL parser takes `.` and `..` out of a path, and `%2e%2e` as well.
    @Test func `isn't called what no path of a URL can have, and is readable where it was`()
        async throws
    {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "acme")
            let head = try await registry.head()
            for name in [".", "..", " .. ", "\u{3000}.\u{3000}"] {
                for (method, path) in [
                    (HTTPMethod.POST, "/v1/domains"), (.PATCH, "/v1/domains/a.example.com"),
                ] {
                    let fqdn = method == .POST ? #""fqdn":"b.example.com","# : ""
                    let answer = try await registry.send(
                        method, path, json: #"{\#(fqdn)"tenant":"\#(name)"}"#)
                    #expect(answer.isProblem(400, "invalid-request"), "\(method) \(name)")
                    #expect(answer.complaints == ["/tenant invalid"])
                }
                let batch = try await registry.post(
                    "/v1/domains/batch",
                    #"{"domains":[{"fqdn":"b.example.com","tenant":"\#(name)"}]}"#)
                #expect(batch["results"]?.array.first?["code"]?.text == "invalid-tenant")
            }
            #expect(try await registry.head() == head)
            for name in ["...", ".a", "..a", "a.", "a/../b"] {
                let answer = try await registry.send(
                    .PATCH, "/v1/domains/a.example.com", json: #"{"tenant":"\#(name)"}"#)
                #expect(answer.status == 200, "\(name)")
            }

            // As an earlier release has let it in.
            _ = try await registry.service.register(
                NewDomain(fqdn: FQDN("old.example.com"), tenant: ".."),
                WriteContext(actor: Actor(token: "t", name: "n", role: .admin), requestID: "r"))
            let listed = try await registry.get("/v1/domains?tenant=..")
            #expect(listed.items.map { $0["fqdn"]?.text } == ["old.example.com"])
            #expect(try await registry.get("/v1/tenants?prefix=..").items.count == 1)
            let then = try await registry.get("/v1/domains/old.example.com/history")
            #expect(then.items.first?["after"]?["tenant"]?.text == "..")
            let renamed = try await registry.send(
                .PATCH, "/v1/domains/old.example.com", json: #"{"tenant":"two-dots"}"#)
            #expect(renamed["tenant"]?.text == "two-dots")
        }
    }

    @Test func `stay in one place, unless an operator says otherwise`() async throws {
        try await withRegistry { registry in
            let first = try await Self.register(registry, "a.example.com", "acme", at: "aws")
            #expect(first.status == 201)
            let follows = try await Self.register(registry, "b.example.com", "acme", as: .registrar)
            #expect(follows["location"]?.text == "aws")
            let elsewhere = try await Self.register(registry, "c.example.com", "acme", at: "japan")
            #expect(elsewhere.isProblem(409, "tenant-elsewhere"))
            #expect(elsewhere["locations"]?.array.map(\.text) == ["aws"])
            let forbidden = try await Self.register(
                registry, "c.example.com", "acme", at: "japan", #","allow_split":true"#,
                as: .registrar)
            #expect(forbidden.isProblem(403, "forbidden"))

            let parted = try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"location":"japan"}"#)
            #expect(parted.isProblem(409, "tenant-split"))
            #expect(parted["others"]?.array.map(\.text) == ["b.example.com"])
            #expect(parted["other_count"]?.number == 1)
            let mode = try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"mode":"read_only"}"#)
            #expect(mode.status == 200)

            let allowed = try await registry.send(
                .PATCH, "/v1/domains/a.example.com",
                json: #"{"location":"japan","allow_split":true}"#)
            #expect(allowed["location"]?.text == "japan")
            let history = try await registry.get("/v1/domains/a.example.com/history")
            let items = try #require(history["items"]?.array)
            #expect(items.map { $0["allow_split"] } == [.bool(true), nil, nil])
            #expect(try await registry.get("/v1/stats")["split_tenants"]?.number == 1)
            // Who is in two places already may be joined in either; a new name goes to the default.
            let joined = try await Self.register(registry, "d.example.com", "acme", at: "aws")
            #expect(joined.status == 201)
            let new = try await Self.register(registry, "e.example.com", "acme")
            #expect(new["location"]?.text == "japan")
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `are followed where signups are closed`() async throws {
        try await withRegistry { registry in
            _ = try await Self.register(registry, "a.example.com", "acme", at: "aws")
            let closed =
                #"{"upstream":"http://aws.example","accepts_signups":false,"default_for_signups":false}"#
            try await registry.send(.PUT, "/v1/locations/aws", json: closed)
            let follows = try await Self.register(registry, "b.example.com", "acme", as: .registrar)
            #expect(follows["location"]?.text == "aws")
            let other = try await Self.register(registry, "c.example.com", "other", at: "aws")
            #expect(other.isProblem(409, "location-closed"))
        }
    }

    @Test func `are named in one form`() async throws {
        try await withRegistry { registry in
            // White space around it, and an accent that stands by itself.
            _ = try await Self.register(
                registry, "a.example.com", #" caf\u0065\u0301\u00a0"#, at: "aws")
            let second = try await Self.register(registry, "b.example.com", #"caf\u00e9"#)
            #expect(second["location"]?.text == "aws")
            #expect(second["tenant"]?.text == "caf\u{E9}")
            for path in ["caf%C3%A9", "cafe%CC%81", "%20caf%C3%A9"] {
                let found = try await registry.get("/v1/tenants/\(path)")
                #expect(found["domain_count"]?.number == 2)
            }
            let listed = try await registry.get("/v1/domains?tenant=cafe%CC%81")
            #expect(listed["items"]?.array.count == 2)
            // Foundation would cut it off after the 62nd mark: two customers would be one.
            let marks = String(repeating: #"\u0344"#, count: 60)
            let long = try await Self.register(registry, "d.example.com", "x" + marks)
            #expect(long.isProblem(400, "invalid-request"))
            let some = try await Self.register(registry, "d.example.com", "x" + marks.prefix(60))
            #expect(some["tenant"]?.text?.unicodeScalars.count == 20)
            let empty = try await Self.register(registry, "c.example.com", "  ")
            #expect(empty.isProblem(400, "invalid-request"))
        }
    }

    @Test func `are listed and found, whatever is in their tenant's name`() async throws {
        try await withRegistry { registry in
            let names = ["Acme, Inc.", "a/b", "acme", "acme-2", "b?c#d", "日本"]
            for (index, name) in names.enumerated() {
                for number in 0...index % 3 {
                    _ = try await Self.register(
                        registry, "n\(index)-\(number).example.com", name,
                        at: index == 2 && number == 1 ? "aws" : "japan", #","allow_split":true"#)
                }
            }
            _ = try await Self.register(
                registry, "x.example.com", "acme", at: "aws", #","allow_split":true"#)
            func list(_ query: String) async throws -> [String] {
                var found: [String] = []
                var cursor = ""
                repeat {
                    let page = try await registry.get("/v1/tenants?limit=2\(query)\(cursor)")
                    found += page["items"]?.array.compactMap { $0["tenant"]?.text } ?? []
                    cursor = page["next_cursor"]?.text.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                return found
            }
            #expect(try await list("") == names)
            #expect(try await list("&split=true") == ["acme"])
            #expect(try await list("&split=false") == names.filter { $0 != "acme" })
            #expect(try await list("&location=aws") == ["acme"])
            #expect(try await list("&prefix=acme") == ["acme", "acme-2"])
            #expect(try await list("&location=aws&split=true&prefix=b") == [])
            for (name, path) in [
                ("a/b", "a%2Fb"), ("b?c#d", "b%3Fc%23d"), ("日本", "%E6%97%A5%E6%9C%AC"),
            ] {
                #expect(try await registry.get("/v1/tenants/\(path)")["tenant"]?.text == name)
            }
            let acme = try await registry.get("/v1/tenants/acme?limit=1")
            #expect(acme["split"] == .bool(true))
            #expect(acme["domain_count"]?.number == 4)
            #expect(acme["locations"]?.array.map(\.text) == ["aws", "japan"])
            #expect(acme["domains"]?.array.count == 1 && acme["next_cursor"] != nil)
            let unknown = try await registry.get("/v1/tenants/nobody")
            #expect(unknown.isProblem(404, "unknown-tenant"))
            for query in ["split=maybe", "location=-", "cursor=x", "split=true&split=false", "x=1"]
            {
                #expect(try await registry.get("/v1/tenants?\(query)").status == 400)
            }
        }
    }

    @Test func `change all at once, and once for a key`() async throws {
        try await withRegistry { registry in
            for number in 0..<3 {
                _ = try await Self.register(registry, "n\(number).example.com", "acme", at: "japan")
            }
            let before = try await registry.get("/v1/history/head")["revision"]?.number ?? 0
            let body = #"{"location":"aws","mode":"read_only","ticket":"T-1"}"#
            for isReplay in [false, true] {
                let moved = try await registry.send(
                    .PATCH, "/v1/tenants/acme", json: body, headers: [("Idempotency-Key", "k1")])
                #expect(moved["changed"]?.number == 3)
                #expect(moved["revision"]?.number == before + 1)
                #expect((moved.header("Idempotency-Replayed") != nil) == isReplay)
            }
            let again = try await registry.send(.PATCH, "/v1/tenants/acme", json: body)
            #expect(again["changed"]?.number == 0)
            let tenant = try await registry.get("/v1/tenants/acme")
            #expect(tenant["domains"]?.array.allSatisfy { $0["mode"]?.text == "read_only" } == true)
            #expect(tenant["locations"]?.array.map(\.text) == ["aws"])
            let items = try await registry.get("/v1/history?limit=3")["items"]?.array ?? []
            #expect(items.map { $0["action"]?.text } == ["moved", "moved", "moved"])
            #expect(items.allSatisfy { $0["ticket"]?.text == "T-1" })
            let lookup = try await registry.get("/v1/route?host=n1.example.com")
            #expect(lookup.header("X-Tenant-Location") == "aws")

            let unknown = try await registry.send(
                .PATCH, "/v1/tenants/acme", json: #"{"location":"nowhere"}"#)
            #expect(unknown.isProblem(422, "unknown-location"))
            for body in [#"{"tenant":"x"}"#, #"{"mode":"off"}"#, #"{"location":5}"#, "[]"] {
                #expect(
                    try await registry.send(.PATCH, "/v1/tenants/acme", json: body).status == 400)
            }
            let nobody = try await registry.send(
                .PATCH, "/v1/tenants/nobody", json: #"{"location":"aws"}"#)
            #expect(nobody.isProblem(404, "unknown-tenant"))
            let role = try await registry.send(
                .PATCH, "/v1/tenants/acme", as: .role(.registrar), json: #"{"location":"japan"}"#)
            #expect(role.isProblem(403, "forbidden"))
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `move whole in a plan, and what comes to them since is a conflict`() async throws {
        try await withRegistry { registry in
            for (name, tenant) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c"), ("c2", "c")]
            {
                _ = try await Self.register(registry, "\(name).example.com", tenant, at: "japan")
            }
            // A part of c's is spoken for.
            let part = #"{"fqdns":["c2.example.com"]}"#
            try await registry.post(
                "/v1/migrations",
                #"{"from":"japan","to":"aws","select":\#(part),"whole_tenants":false}"#)
            let names = #"{"fqdns":["a2.example.com","b1.example.com","c1.example.com"]}"#
            let plan = try await registry.post(
                "/v1/migrations",
                #"{"from":"japan","to":"aws","select":\#(names),"waves":[{"count":1},{"rest":true}]}"#
            )
            #expect(plan["counts"]?["selected"]?.number == 5)
            #expect(plan["counts"]?["eligible"]?.number == 3)
            #expect(plan["waves"]?.array.map { $0["size"]?.number } == [2, 1])
            #expect(
                plan["skipped"]?.array.map { $0["code"]?.text }
                    == ["tenant-not-whole", "in-another-migration"])
            let id = try #require(plan["id"]?.text)
            let digest = try #require(plan["plan_digest"]?.text)
            let step = #"{"plan_digest":"\#(digest)","expected_count":2}"#
            let cutover = "/v1/migrations/\(id)/waves/1/cutover"

            _ = try await Self.register(registry, "a3.example.com", "a")
            let conflict = try await registry.send(.POST, cutover, json: step)
            #expect(conflict.isProblem(409, "wave-conflict"))
            let stranger = try #require(conflict["conflicts"]?.array.first)
            #expect(stranger["fqdn"]?.text == "a3.example.com")
            #expect(stranger["expected"] == .null)
            try await registry.send(.DELETE, "/v1/domains/a3.example.com")
            #expect(try await registry.send(.POST, cutover, json: step)["moved"]?.number == 2)

            // A name that is new at the target can't be left behind by the way back.
            _ = try await Self.register(registry, "a4.example.com", "a")
            let rollback = "/v1/migrations/\(id)/waves/1/rollback"
            let refused = try await registry.send(.POST, rollback, json: "{}")
            #expect(refused.isProblem(409, "wave-conflict"))
            #expect(
                refused["conflicts"]?.array.map { $0["fqdn"]?.text } == ["a4.example.com"])
            try await registry.send(.DELETE, "/v1/domains/a4.example.com")
            let back = try await registry.send(.POST, rollback, json: "{}")
            #expect(back["rolled_back"]?.number == 2)
            #expect(try await registry.get("/v1/stats")["split_tenants"]?.number == 0)
        }
    }

    @Test func `get no new name while a wave holds them frozen`() async throws {
        try await withRegistry { registry in
            _ = try await Self.register(registry, "a1.example.com", "a", at: "japan")
            _ = try await Self.register(registry, "b1.example.com", "b", at: "japan")
            let plan = try await registry.post(
                "/v1/migrations",
                #"{"from":"japan","to":"aws","freeze":"read_only","select":{"fqdns":["a1.example.com"]}}"#
            )
            let id = try #require(plan["id"]?.text)
            let digest = try #require(plan["plan_digest"]?.text)
            let freeze =
                #"{"plan_digest":"\#(digest)","expected_count":1,"deadline_seconds":60}"#
            let frozen = try await registry.send(
                .POST, "/v1/migrations/\(id)/waves/1/freeze", json: freeze)
            #expect(frozen.status == 200)
            let refused = try await Self.register(registry, "a2.example.com", "a")
            #expect(refused.isProblem(409, "domain-in-migration"))
            #expect(refused["migration"]?.text == id)
            let joining = try await registry.send(
                .PATCH, "/v1/domains/b1.example.com", json: #"{"tenant":"a"}"#)
            #expect(joining.isProblem(409, "domain-in-migration"))
            let moving = try await registry.send(
                .PATCH, "/v1/tenants/a", json: #"{"location":"aws"}"#)
            #expect(moving.isProblem(409, "domain-in-migration"))
            // Its own mode can be set; proxies are told the stricter one.
            let mode = try await registry.send(
                .PATCH, "/v1/tenants/a", json: #"{"mode":"reject"}"#)
            #expect(mode["changed"]?.number == 1)
            let own = try await registry.send(.PATCH, "/v1/tenants/a", json: #"{"mode":"serve"}"#)
            #expect(own["changed"]?.number == 1)
            #expect(
                try await registry.get("/v1/domains/a1.example.com")["mode"]?.text == "read_only")
        }
    }
}
