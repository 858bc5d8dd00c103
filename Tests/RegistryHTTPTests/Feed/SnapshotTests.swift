import Foundation
import RegistryAPI
import RegistryHTTP
import RegistryModel
import Testing

@Suite("The snapshot", .timeLimit(.minutes(15))) struct SnapshotTests {
    @Test func `is a header and every domain, and adds up`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<5_000).map { "n\($0).example.com" })
            try await registry.send(.DELETE, "/v1/domains/n7.example.com")
            let settings =
                #"{"upstream":"http://osaka:80","accepts_signups":true,"default_for_signups":false}"#
            try await registry.send(.PUT, "/v1/locations/osaka", json: settings)
            let answer = try await registry.get("/v1/snapshot", as: .role(.reader))
            let copy = try TableCopy(snapshot: answer.bytes)
            #expect(copy.domains.count == 4_999)
            #expect(copy.locations.count == 3)
            #expect(answer.revision == copy.revision.number)
            let again = try await registry.get("/v1/snapshot", as: .role(.reader))
            #expect(again.bytes == answer.bytes)
            #expect(answer.header("ETag") == "\"\(copy.epoch).\(copy.revision)\"")
        }
    }

    @Test func `isn't sent to who has it`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let tag = try #require(try await registry.get("/v1/snapshot").header("ETag"))
            let same = try await registry.get("/v1/snapshot", headers: [("If-None-Match", tag)])
            #expect(same.status == 304 && same.header("ETag") == tag)
            let gzip = try await registry.getRaw(
                "/v1/snapshot", [("If-None-Match", tag), ("Accept-Encoding", "gzip")])
            #expect(gzip.status == 200 && gzip.header("ETag") != tag)
            try await registry.register("b.example.com")
            let other = try await registry.get("/v1/snapshot", headers: [("If-None-Match", tag)])
            #expect(other.status == 200)
        }
    }

    @Test(arguments: ["/v1/snapshot", "/v1/export/nginx-map", "/v1/export/traefik"])
    func `is compressed for who asks, to the same bytes`(target: String) async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<6_000).map { "n\($0).example.com" })
            let plain = try await registry.get(target)
            #expect(plain.header("Content-Encoding") == nil)
            #expect(plain.header("Vary") == "Accept-Encoding")
            for wish in ["gzip", "br, gzip;q=0.5", "deflate,x-gzip"] {
                let answer = try await registry.getRaw(target, [("Accept-Encoding", wish)])
                #expect(answer.header("Content-Encoding") == "gzip")
                #expect(answer.bytes.count < plain.bytes.count / 4)
                #expect(try gunzip(answer.bytes) == plain.bytes)
            }
            for wish in ["", "br", "gzip;q=0", "gzip;q=0.1, identity"] {
                let answer = try await registry.get(
                    target, headers: [("Accept-Encoding", wish)])
                #expect(answer.bytes == plain.bytes, "\(wish)")
            }
        }
    }

    @Test func `is of one revision while all of it changes`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<9_000).map { "n\($0).example.com" })
            let start = try TableCopy(snapshot: try await registry.get("/v1/snapshot").bytes)
            async let writing: Void = {
                for number in 0..<300 {
                    let name = "n\(number * 30).example.com"
                    try await registry.send(.DELETE, "/v1/domains/\(name)")
                    try await registry.register("a\(number).example.com")
                    if number.isMultiple(of: 2) {
                        try await registry.send(
                            .PATCH, "/v1/domains/n\(number * 30 + 1).example.com",
                            json: #"{"location":"aws"}"#)
                    }
                }
            }()
            var last = start
            for _ in 0..<10 {
                // The copy's own check is the point: count and digest of what came.
                let copy = try TableCopy(snapshot: try await registry.get("/v1/snapshot").bytes)
                let page = try await registry.page(
                    after: last.revision.number, "&limit=10000")
                #expect(copy.revision >= last.revision && page.to >= copy.revision)
                last = copy
            }
            try await writing
            #expect(try await registry.head() == start.revision.number + 750)
        }
    }

    @Test func `refuses what can't be, and has a head`() async throws {
        try await withRegistry { registry in
            let unknown = try await registry.get("/v1/snapshot?x=1")
            #expect(unknown.isProblem(400, "invalid-request"))
            let json = try await registry.get(
                "/v1/snapshot", headers: [("Accept", "application/json")])
            #expect(json.isProblem(406, "not-acceptable"))
            let head = try await registry.send(.HEAD, "/v1/snapshot")
            #expect(head.status == 200 && head.bytes.isEmpty)
            #expect(head.header("Content-Type") == "application/x-ndjson")
        }
    }
}
