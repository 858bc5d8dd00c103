import Foundation
import RegistryAPI
import RegistryHTTP
import RegistryModel
import Testing

@Suite("The feed as events", .timeLimit(.minutes(15))) struct EventStreamTests {
    @Test func `has the pages of long polls, each with its id`() async throws {
        let settings = RegistrySettings.with { $0.http.heartbeat = .seconds(3600) }
        try await withRegistry(settings) { registry in
            let start = try await registry.head()
            var reader = try await registry.events("?after=\(start)")
            #expect(reader.headers.first(name: "Content-Type") == "text/event-stream")
            #expect(reader.headers.first(name: "Cache-Control") == "no-store")
            #expect(reader.headers.first(name: "X-Accel-Buffering") == "no")
            #expect(try await reader.next()?.name == "heartbeat")
            for number in 0..<20 {
                try await registry.register("n\(number).example.com")
                let event = try #require(await reader.next())
                let page = try await registry.page(after: start + Int64(number))
                #expect(try event.page == page)
                #expect(event.id == "\(page.epoch).\(page.to)" && event.name == nil)
            }
        }
    }

    @Test func `resumes after an id, which beats after and epoch`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            try await registry.register("a.example.com")
            try await registry.register("b.example.com")
            let epoch = try await registry.page(after: 0).epoch
            var reader = try await registry.events(
                "?after=999999&epoch=another", lastEventID: "\(epoch).\(start + 1)")
            let page = try #require(await reader.nextPage())
            #expect(page.from.number == start + 1 && page.to.number == start + 2)
            let stream = [("Accept", "text/event-stream")]
            for id in ["", "x", ".1", "\(epoch).", "\(epoch).-1", "\(epoch).01", "\(epoch).1.2"] {
                let answer = try await registry.get(
                    "/v1/changes", headers: stream + [("Last-Event-ID", id)])
                #expect(answer.isProblem(400, "invalid-request"), "\(id)")
                #expect(answer.complaints == ["Last-Event-ID invalid"])
            }
            for id in ["another.1", "\(epoch).\(start + 3)"] {
                let answer = try await registry.get(
                    "/v1/changes", headers: stream + [("Last-Event-ID", id)])
                #expect(answer.isProblem(410, "resync"), "\(id)")
            }
            // Polls have no events; what can't be an event's id is a mistake all the same.
            let poll = try await registry.get(
                "/v1/changes", headers: [("Last-Event-ID", "another.1")])
            #expect(poll.status == 200)
            let mistaken = try await registry.get("/v1/changes", headers: [("Last-Event-ID", "x")])
            #expect(mistaken.complaints == ["Last-Event-ID invalid"])
        }
    }

    @Test func `beats with the snapshot's digest at what was read last`() async throws {
        let settings = RegistrySettings.with { $0.http.heartbeat = .milliseconds(1) }
        try await withRegistry(settings) { registry in
            let start = try await registry.head()
            var copy = try TableCopy(
                snapshot: try await registry.get("/v1/snapshot").bytes)
            var reader = try await registry.events("?after=\(start)")
            async let writing: Void = Self.write(60, registry)
            var beats = 0
            while copy.revision.number < start + 120 || beats < 20 {
                let event = try #require(await reader.next())
                if let beat = event.heartbeat {
                    #expect(beat.head == copy.revision)
                    #expect(beat.digest == copy.digest)
                    beats += 1
                } else {
                    copy.apply(try event.page)
                }
            }
            try await writing
            let end = try TableCopy(snapshot: try await registry.get("/v1/snapshot").bytes)
            #expect(end == copy)
        }
    }

    private static func write(_ count: Int, _ registry: RunningRegistry) async throws {
        for number in 0..<count {
            try await registry.register("n\(number).example.com", tenant: "株式会社 \(number)")
            try await registry.send(
                .PATCH, "/v1/domains/n\(number / 2).example.com",
                json: #"{"mode":"read_only","location":"aws","tenant":"t\#(number)"}"#)
        }
    }

    @Test func `ends with its reader's token`() async throws {
        let settings = RegistrySettings.with { $0.http.heartbeat = .milliseconds(1) }
        try await withRegistry(settings) { registry in
            let start = try await registry.head()
            var reader = try await registry.events("?after=\(start)")
            _ = try #require(await reader.nextHeartbeat())
            let id = try #require(registry.token(.reader).split(separator: "_").dropFirst().first)
            let revoked = try await registry.send(.DELETE, "/v1/tokens/\(id)")
            try #require(revoked.status == 204)
            while try await reader.next() != nil {}
        }
    }

    @Test(.whateverTheStore) func `gives a hundred readers the same`() async throws {
        try await withRegistry { registry in
            let start = try await registry.head()
            try await withThrowingTaskGroup(of: [FeedPage].self) { group in
                for _ in 0..<100 {
                    let opened = try await registry.events("?after=\(start)")
                    group.addTask {
                        var reader = opened
                        var pages: [FeedPage] = []
                        while let page = try await reader.nextPage() {
                            pages.append(page)
                            if page.to.number >= start + 11 { break }
                        }
                        return pages
                    }
                }
                for number in 0..<10 { try await registry.register("n\(number).example.com") }
                try await registry.registerAll((0..<3_000).map { "b\($0).example.com" })
                for try await pages in group {
                    #expect(pages.flatMap(\.changes).count == 3_010)
                    #expect(pages.last?.to.number == start + 11)
                    var last = start
                    for page in pages {
                        #expect(page.from.number == last)
                        last = page.to.number
                    }
                }
            }
        }
    }

    @Test func `shows a wave whole, in one event`() async throws {
        try await withRegistry { registry in
            let names = (0..<20_000).map { "n\($0).example.com" }
            for start in stride(from: 0, to: names.count, by: 10_000) {
                try await registry.registerAll(Array(names[start..<start + 10_000]))
            }
            let list = names.map { "\"\($0)\"" }.joined(separator: ",")
            let plan = try await registry.post(
                "/v1/migrations",
                #"{"name":"all","from":"japan","to":"aws","select":{"fqdns":[\#(list)]}}"#)
            try #require(plan.status == 201)
            let id = try #require(plan["id"]?.text)
            let digest = try #require(plan["plan_digest"]?.text)
            let start = try await registry.head()
            var reader = try await registry.events("?after=\(start)&limit=1")
            let moved = try await registry.post(
                "/v1/migrations/\(id)/waves/1/cutover",
                #"{"plan_digest":"\#(digest)","expected_count":20000}"#)
            try #require(moved.status == 200)
            let page = try #require(await reader.nextPage())
            #expect(page.to.number == start + 1 && page.changes.count == 20_000)
            let places = page.changes.map { change in
                if case .set(let domain) = change { domain.location.text } else { "?" }
            }
            #expect(Set(places) == ["aws"])
            let store = try await registry.service.feedFromStore(
                after: Revision(start), limit: 1)
            #expect(store == page)
        }
    }
}
