import Foundation
import RegistryAPI
import RegistryHTTP
import RegistryModel
import Testing

@Suite("The feed by long polls", .timeLimit(.minutes(15))) struct ChangesTests {
    @Test func `tells each change as it is, and goes past what touches nothing`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            try await registry.register("a.example.com", tenant: "t")
            try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"location":"aws"}"#)
            try await registry.post("/v1/tokens", #"{"name":"x","role":"reader"}"#)
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let settings =
                #"{"upstream":"http://osaka:80","accepts_signups":true,"default_for_signups":false}"#
            try await registry.send(.PUT, "/v1/locations/osaka", json: settings)
            try await registry.send(.DELETE, "/v1/locations/osaka")
            let page = try await registry.page(after: start)
            #expect(page.from.number == start && page.to.number == start + 6)
            #expect(page.head == page.to)
            try #require(page.changes.count == 5)
            guard case .set(let domain) = page.changes[1] else {
                Issue.record("not a move")
                return
            }
            #expect(domain.location.text == "aws" && domain.tenant == "t")
            let name = FQDN(canonical: "a.example.com")
            #expect(page.changes[2] == .gone(Revision(start + 4), name))
            let osaka = LocationName(canonical: "osaka")
            #expect(
                page.changes[3...] == [
                    .locationChanged(
                        Revision(start + 5), osaka,
                        upstream: UpstreamURL(canonical: "http://osaka:80")),
                    .locationChanged(Revision(start + 6), osaka, upstream: nil),
                ])
        }
    }

    @Test func `ends at a whole revision, however large`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            for batch in 0..<3 {
                try await registry.registerAll((0..<700).map { "n\($0).b\(batch).example.com" })
            }
            let first = try await registry.page(after: start, "&limit=1")
            #expect(first.to.number == start + 1 && first.changes.count == 700)
            #expect(first.head.number == start + 3)
            let two = try await registry.page(after: start, "&limit=701")
            #expect(two.to.number == start + 2 && two.changes.count == 1400)
            let all = try await registry.page(after: start, "&limit=10000")
            #expect(all.changes.count == 2100)
            #expect(try await registry.page(after: start + 3).changes.isEmpty)
        }
    }

    @Test func `waits for the next revision, and not beyond the time`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            let none = try await registry.page(after: start, "&wait=0.05")
            #expect(none.from == none.to && none.changes.isEmpty)
            async let waiting = registry.page(after: start, "&wait=60")
            try await registry.register("a.example.com")
            let page = try await waiting
            #expect(page.to.number >= start + 1 && page.changes.count == 1)
        }
    }

    @Test(arguments: [
        ("after=99999", 410), ("after=0&epoch=another", 410), ("after=-1", 400), ("after=x", 400),
        ("wait=61", 400), ("wait=-1", 400), ("limit=0", 400), ("limit=10001", 400),
        ("agent=", 400), ("agent=a%20b", 400), ("agent=%C3%A4", 400), ("epoch=a&epoch=b", 400),
        ("later=1", 400), ("after=0&agent=proxy-1.a_B", 200), ("limit=10000&wait=0", 200),
    ])
    func `refuses what can't be`(query: String, status: Int) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/changes?\(query)", as: .role(.reader))
            #expect(answer.status == status)
            if status == 410 { #expect(answer.isProblem(410, "resync")) }
            let stream = try await registry.get(
                "/v1/changes?\(query)", as: .role(.reader),
                headers: status == 200 ? [] : [("Accept", "text/event-stream")])
            #expect(stream.status == status)
        }
    }

    @Test func `has a head without waiting`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            let answer = try await registry.send(.HEAD, "/v1/changes?after=\(start)&wait=60")
            #expect(answer.status == 200 && answer.bytes.isEmpty)
            #expect(answer.header("Cache-Control") == "no-store")
            let stream = try await registry.send(
                .HEAD, "/v1/changes", headers: [("Accept", "text/event-stream")])
            #expect(stream.header("Content-Type") == "text/event-stream")
        }
    }

    @Test func `is the same from memory and from the store`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            try await registry.registerAll((0..<3_000).map { "n\($0).example.com" })
            for number in 0..<20 {
                try await registry.send(
                    .PATCH, "/v1/domains/n\(number).example.com", json: #"{"location":"aws"}"#)
                try await registry.send(.DELETE, "/v1/domains/n\(number + 50).example.com")
            }
            for limit in [1, 7, 10_000] {
                var after = start
                while after < (try await registry.head()) {
                    let memory = try await registry.page(after: after, "&limit=\(limit)")
                    let store = try await registry.service.feedFromStore(
                        after: Revision(after), limit: limit)
                    #expect(memory == store)
                    after = memory.to.number
                }
            }
        }
    }
}
