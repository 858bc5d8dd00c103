import RegistryAPI
import RegistryModel
import Testing

@testable import RegistryService

@Suite("The log's own evidence", .timeLimit(.minutes(15))) struct HistoryHeadTests {
    private static let path = "/v1/history/verify"

    @Test func `has a head that moves with every write, and a digest with it`() async throws {
        try await withRegistry { registry in
            var seen: Set<String> = []
            for number in 0..<3 {
                let answer = try await registry.get("/v1/history/head", as: .role(.auditor))
                #expect(answer["revision"]?.number == (try await registry.head()))
                #expect(answer["revision"]?.number == answer.revision)
                #expect(answer["epoch"]?.text.map { $0[...] } == answer.epoch)
                seen.insert(try #require(answer["digest"]?.text))
                try await registry.register("n\(number).example.com")
            }
            #expect(seen.count == 3)
            #expect(seen.allSatisfy { DigestText.bytes($0) != nil && $0.hasPrefix("sha256:") })
        }
    }

    @Test func `is verified, with the digest of the head`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<100).map { "n\($0).example.com" })
            let head = try await registry.get("/v1/history/head")
            let answer = try await registry.get(Self.path, as: .role(.auditor))
            #expect(
                answer.text
                    == #"{"ok":true,"revision":\#(head.revision!),"digest":"\#(head["digest"]!.text!)"}"#
            )
            #expect(answer.revision == head.revision)
            let noHead = try await registry.raw("HEAD", Self.path, as: .role(.auditor))
            #expect(noHead.status == 200)
        }
    }

    @Test func `is held against a digest that was noted`() async throws {
        try await withRegistry { registry in
            let head = try await registry.get("/v1/history/head")
            let (revision, digest) = (head.revision!, head["digest"]!.text!)
            try await registry.register("a.example.com")
            for noted in ["\(revision):\(digest)", "\(revision):\(digest.dropFirst(7))"] {
                let good = try await registry.get("\(Self.path)?expect=\(noted)")
                #expect(good["ok"] == .bool(true))
            }
            let other = "sha256:" + String(repeating: "ab", count: 32)
            let bad = try await registry.get("\(Self.path)?expect=\(revision):\(other)")
            #expect(bad.status == 200 && bad["ok"] == .bool(false) && bad["digest"] == nil)
            #expect(bad["first_bad_revision"]?.number == revision)
            #expect(bad["what"]?.text?.contains(digest) == true)
            let cut = try await registry.get("\(Self.path)?expect=\(revision + 9):\(digest)")
            #expect(cut["first_bad_revision"]?.number == revision + 2)
            for text in ["", "5", "5:abc", "x:\(digest)", "5:sha1:00"] {
                let answer = try await registry.get("\(Self.path)?expect=\(text)")
                #expect(answer.complaints == ["?expect invalid"])
            }
        }
    }

    @Test func `tells how far it is, line by line, and the result at last`() async throws {
        try await withRegistry { registry in
            for part in 0..<2 {
                try await registry.registerAll((0..<9_000).map { "n\(part)-\($0).example.com" })
            }
            let answer = try await registry.get(
                Self.path, headers: [("Accept", "application/x-ndjson")])
            let lines = try answer.text.split(separator: "\n").map {
                try JSONValue(parsing: Array($0.utf8))
            }
            #expect(lines.count >= 2)
            #expect(lines.last?["ok"] == .bool(true))
            #expect(lines.last == (try await registry.get(Self.path)).valueOrNil)
            let steps = lines.dropLast().map { $0["progress"]?["changes"]?.number ?? -1 }
            #expect(steps == steps.sorted() && steps.allSatisfy { $0 >= 0 })
            let refused = try await registry.get(Self.path, headers: [("Accept", "text/csv")])
            #expect(refused.isProblem(406, "not-acceptable"))
        }
    }

    @Test func `is verified by one at a time`() async throws {
        try await withRegistry { registry in
            #expect(registry.service.verifications.turn.tryEnter())
            for type in ["application/json", "application/x-ndjson"] {
                let second = try await registry.get(Self.path, headers: [("Accept", type)])
                #expect(second.isProblem(409, "verification-running"))
                #expect(second.header("Retry-After") != nil)
            }
            registry.service.verifications.turn.leave()
            #expect(try await registry.get(Self.path)["ok"] == .bool(true))
            #expect(try await registry.get(Self.path)["ok"] == .bool(true))
        }
    }
}

extension Answer {
    fileprivate var valueOrNil: JSONValue? { try? json }
}
