import RegistryModel
import Testing

/// Of several nodes, one may be behind: on PostgreSQL, whatever store the other tests run on.
@Suite("A reader of the feed that comes from another node", .timeLimit(.minutes(15)))
struct OtherNodeTests {
    @Test(arguments: ["application/json", "text/event-stream"])
    func `is waited for, and not told to begin anew`(type: String) async throws {
        let settings = RegistrySettings.with {
            $0.engine = .postgres
            $0.followsOthers = false
            $0.http.revisionWait = .milliseconds(50)
        }
        try await withRegistry(settings) { registry in
            let behind = try await registry.get("/v1/stats")
            let epoch = try #require(behind.epoch)
            let other = try await TestStore.anotherNode(of: registry)
            let committed = try await other.commit(
                CommitRequest(
                    .register(NewDomain(fqdn: FQDN(canonical: "a.example"))),
                    by: Actor(token: "t", name: "t", role: .admin), requestID: "r"))
            let there = committed.revision.number
            #expect(behind.revision == there - 1)
            func ask(_ after: Int64, _ epoch: Substring) async throws -> Answer {
                try await registry.get(
                    "/v1/changes?after=\(after)&epoch=\(epoch)",
                    headers: [("Accept", type)])
            }
            let early = try await ask(there, epoch)
            #expect(early.isProblem(504, "revision-not-reached"))
            #expect(early.header("Retry-After") != nil)
            // What nobody has written isn't waited for.
            #expect(try await ask(there + 1, epoch).isProblem(410, "resync"))
            #expect(try await ask(there, "another").isProblem(410, "resync"))

            try registry.service.followOthers()
            let late = try await registry.get("/v1/changes?after=\(there - 1)&wait=60")
            #expect(late["to"]?.number == there)
            if type == "application/json" {
                #expect(try await ask(there, epoch)["to"]?.number == there)
            } else {
                var events = try await registry.events(lastEventID: "\(epoch).\(there)")
                #expect(try await events.nextHeartbeat()?.head == committed.revision)
            }
            await other.close()
        }
    }

    @Test func `has its answer as soon as this node is there`() async throws {
        let settings = RegistrySettings.with {
            $0.engine = .postgres
            $0.followsOthers = false
            $0.http.revisionWait = .seconds(120)
        }
        try await withRegistry(settings) { registry in
            let other = try await TestStore.anotherNode(of: registry)
            var last = Revision.zero
            for number in 0..<5 {
                last = try await other.commit(
                    CommitRequest(
                        .register(NewDomain(fqdn: FQDN(canonical: "n\(number).example"))),
                        by: Actor(token: "t", name: "t", role: .admin), requestID: "r")
                ).revision
            }
            let after = last.number
            async let page = registry.page(after: after)
            try registry.service.followOthers()
            let found = try await page
            #expect(found.to == last && found.from == last)
            await other.close()
        }
    }
}
