import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("History", .timeLimit(.minutes(15))) struct HistoryTests {
    private static let path = "/v1/domains/a.example.com"

    @Test func `tells a domain's whole story, newest first`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "t")
            try await registry.send(.PATCH, Self.path, json: #"{"location":"aws"}"#)
            try await registry.send(.PATCH, Self.path, json: #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, Self.path)
            try await registry.post("\(Self.path)/restore", "{}")
            let answer = try await registry.get("\(Self.path)/history", as: .role(.auditor))
            let items = answer.items
            #expect(
                items.map { $0["action"]?.text }
                    == ["restored", "released", "updated", "moved", "registered"])
            #expect(items.map { $0["before"] == .null } == [true, false, false, false, true])
            #expect(items.map { $0["after"] == .null } == [false, true, false, false, false])
            #expect(items[3]["before"]?["location"]?.text == "japan")
            #expect(items[3]["after"]?["location"]?.text == "aws")
            #expect(items[0]["after"] == items[2]["after"])
            let ascending = try await registry.get("\(Self.path)/history?order=asc")
            #expect(ascending.items == items.reversed())
        }
    }

    @Test func `keeps reason and ticket of every write`() async throws {
        try await withRegistry { registry in
            let reason = String(repeating: "理", count: 499) + "\\n"
            let ticket = String(repeating: "T", count: 100)
            let note = #""reason":"\#(reason)","ticket":"\#(ticket)""#
            try await registry.post("/v1/domains", #"{"fqdn":"a.example.com",\#(note)}"#)
            try await registry.send(.PATCH, Self.path, json: #"{"mode":"reject",\#(note)}"#)
            let escaped = reason.replacing("\\n", with: "%0A").replacing("理", with: "%E7%90%86")
            try await registry.send(.DELETE, "\(Self.path)?reason=\(escaped)&ticket=\(ticket)")
            try await registry.post("\(Self.path)/restore", "{\(note)}")
            try await registry.post(
                "/v1/domains/batch", #"{"domains":[{"fqdn":"b.example.com"}],\#(note)}"#)
            try await registry.post("/v1/tokens", #"{"name":"n","role":"reader",\#(note)}"#)
            let items = try await registry.get("/v1/history?limit=6").items
            #expect(items.count == 6)
            for item in items {
                #expect(item["reason"]?.text == reason.replacing("\\n", with: "\n"))
                #expect(item["ticket"]?.text == ticket)
            }
        }
    }

    @Test func `takes no longer reason or ticket, and no control characters`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let head = try await registry.head()
            let cases = [
                (#""reason":"\#(String(repeating: "x", count: 501))""#, "/reason too-long"),
                (#""ticket":"\#(String(repeating: "x", count: 101))""#, "/ticket too-long"),
                (#""reason":"a\u0007""#, "/reason invalid"),
                (#""ticket":"a\n""#, "/ticket invalid"),
                (#""reason":5"#, "/reason wrong-type"),
            ]
            for (field, complaint) in cases {
                let patch = try await registry.send(
                    .PATCH, Self.path, json: #"{"mode":"reject",\#(field)}"#)
                #expect(patch.complaints == [complaint])
                let restore = try await registry.post("\(Self.path)/restore", "{\(field)}")
                #expect(restore.complaints == [complaint])
            }
            let long = String(repeating: "x", count: 501)
            for (query, complaint) in [
                ("reason=\(long)", "?reason too-long"), ("ticket=\(long)", "?ticket too-long"),
                ("reason=%07", "?reason invalid"), ("ticket=a%0Ab", "?ticket invalid"),
                ("reason=a&reason=b", "?reason repeated"), ("ticket=%FF", "?ticket invalid"),
            ] {
                for path in [Self.path, "/v1/locations/aws", "/v1/tokens/x"] {
                    let answer = try await registry.raw(
                        "DELETE", "\(path)?\(query)", as: .role(.admin))
                    #expect(answer.complaints == [complaint])
                }
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `is filtered by actor, action, location and time`() async throws {
        try await withRegistry { registry in
            // The clock begins at 2026-01-01T00:00:00.000Z.
            registry.clock.advance(by: .days(1))
            try await registry.post(
                "/v1/domains", as: .role(.registrar), #"{"fqdn":"a.example.com"}"#)
            registry.clock.advance(by: .days(1))
            try await registry.send(.PATCH, Self.path, json: #"{"location":"aws"}"#)
            registry.clock.advance(by: .days(1))
            try await registry.send(.PATCH, Self.path, json: #"{"mode":"reject"}"#)
            let registrar = registry.token(.registrar).split(separator: "_")[1]
            let cases: [(String, [String])] = [
                ("actor=\(registrar)", ["registered"]), ("actor=nobody", []),
                ("action=moved", ["moved"]), ("action=frozen", []),
                ("location=aws", ["updated", "moved"]),
                ("location=japan", ["moved", "registered"]), ("location=mars", []),
                ("migration=none", []),
                ("since=2026-01-03T00:00:00Z", ["updated", "moved"]),
                ("since=2026-01-03T00:00:00.001Z", ["updated"]),
                ("since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z", ["registered"]),
                (
                    "since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00.001Z",
                    ["moved", "registered"]
                ),
                ("since=2026-01-03T09:00:00+09:00&until=2026-01-04T00:00:00Z", ["moved"]),
                ("since=2030-01-01T00:00:00Z", []),
                ("location=aws&action=moved&order=asc", ["moved"]),
            ]
            for (query, expected) in cases {
                for path in ["/v1/history", "\(Self.path)/history"] {
                    let answer = try await registry.get("\(path)?\(query)", as: .role(.auditor))
                    #expect(answer.items.map { $0["action"]?.text } == expected, "\(path) \(query)")
                }
            }
        }
    }

    @Test(arguments: [
        ("action=exploded", "?action invalid"), ("order=up", "?order invalid"),
        ("since=x", "?since invalid"), ("until=2026-01-01", "?until invalid"),
        ("location=A_B", "?location invalid"), ("actor=a&actor=b", "?actor repeated"),
        ("fqdn=a.example.com", "?fqdn unknown-parameter"),
    ])
    func `refuses filters that make no sense`(query: String, complaint: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for path in ["/v1/history", "\(Self.path)/history"] {
                let answer = try await registry.get("\(path)?\(query)")
                #expect(answer.complaints == [complaint])
            }
        }
    }

    @Test(arguments: ["asc", "desc"])
    func `has nothing after the largest number, nor behind a cursor there`(
        order: String
    ) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let largest = Int64.max
            let place = "\(try registry.service.position().epoch).\(largest)/\(largest)"
            let cursor = Data(place.utf8).base64EncodedString().replacing("=", with: "")
            for path in ["/v1/history", "/v1/domains/a.example.com/history"] {
                for filter in [
                    "after=\(largest)", "after=\(largest - 1)&location=japan&action=moved",
                ] {
                    let answer = try await registry.get("\(path)?\(filter)&order=\(order)")
                    #expect(answer["items"]?.array.isEmpty == true, "\(path) \(filter)")
                }
                let behind = try await registry.get("\(path)?cursor=\(cursor)&order=\(order)")
                #expect(behind.status == 200)
                #expect(behind["items"]?.array.isEmpty == (order == "asc"))
                for filter in ["after=\(largest)", "limit=\(largest)"] {
                    let stream = try await registry.get(
                        "\(path)?\(filter)&order=\(order)", headers: [("Accept", "text/csv")])
                    #expect(stream.status == 200, "\(filter)")
                }
            }
            #expect(try await registry.get("/livez").status == 200)
        }
    }

    @Test func `of a name that was never there is 404`() async throws {
        try await withRegistry { registry in
            let unknown = try await registry.get("\(Self.path)/history")
            #expect(unknown.isProblem(404, "unknown-domain"))
            let filtered = try await registry.get("\(Self.path)/history?action=moved")
            #expect(filtered.isProblem(404, "unknown-domain"))
        }
    }

    @Test func `of a batch has one item a row, in one revision`() async throws {
        try await withRegistry { registry in
            let names = (0..<5).map { "n\($0).example.com" }
            try await registry.registerAll(names)
            let items = try await registry.get("/v1/history?order=asc&action=registered").items
            #expect(items.map { $0["fqdn"]?.text } == names)
            #expect(Set(items.map { $0["revision"]?.number }).count == 1)
        }
    }

    @Test func `has no gap in its revisions, refused requests or not`() async throws {
        try await withRegistry { registry in
            for number in 0..<10 {
                try await registry.register("n\(number).example.com")
                try await registry.post("/v1/domains", #"{"fqdn":"n0.example.com"}"#)
                try await registry.post("/v1/domains", #"{"fqdn":"www.example.com"}"#)
            }
            let items = try await registry.get("/v1/history?order=asc&limit=1000").items
            #expect(items.compactMap { $0["revision"]?.number } == (1...15).map { Int64($0) })
        }
    }
}
