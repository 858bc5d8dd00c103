import Foundation
import RegistryModel
import Testing

@Suite("Revisions of another epoch", .timeLimit(.minutes(15))) struct EpochTests {
    private static let path = "/v1/domains/a.example.com"

    /// What asks by a revision, up to where that stands.
    private static let questions = [
        "\(path)?min_revision=", "\(path)?revision=", "/v1/domains?revision=",
        "/v1/stats?min_revision=", "/v1/history?after=", "\(path)/history?after=",
        "/v1/convergence?revision=", "/v1/changes?after=", "/v1/snapshot?min_revision=",
        "/v1/route?min_revision=",
    ]

    @Test(arguments: questions)
    func `are told from those of this one, in every question`(question: String) async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let revision = try #require(made.revision)
            let here = try #require(made.header("X-Registry-Revision"))
            let tail = question.hasPrefix("/v1/route") ? "&host=a.example.com" : ""
            for text in ["\(revision)", here] {
                let answer = try await registry.get("\(question)\(text)\(tail)")
                #expect(answer.status == 200, "\(text)")
            }
            for text in ["another.\(revision)", "another.0"] {
                let answer = try await registry.get("\(question)\(text)\(tail)")
                #expect(answer.isProblem(410, "resync"), "\(text)")
            }
            for text in ["\(here)x", "another.", ".\(revision)", "another.-1"] {
                let answer = try await registry.get("\(question)\(text)\(tail)")
                #expect(answer.isProblem(400, "invalid-request"), "\(text)")
            }
        }
    }

    @Test func `aren't waited for by writes`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let head = try await registry.head()
            let answer = try await registry.send(
                .PATCH, "\(Self.path)?min_revision=another.1", json: #"{"mode":"reject"}"#)
            #expect(answer.isProblem(410, "resync"))
            #expect(try await registry.head() == head)
        }
    }

    @Test func `end lists that are read as of one, and history`() async throws {
        try await withRegistry { registry in
            for name in ["a.example.com", "b.example.com"] { try await registry.register(name) }
            let epoch = try registry.service.position().epoch
            let lists = [
                "/v1/domains?revision=\(try #require(try await registry.get(Self.path).revision))&",
                "/v1/history?",
            ]
            for list in lists {
                let page = try await registry.get("\(list)limit=1")
                let cursor = try #require(page["next_cursor"]?.text)
                #expect(try await registry.get("\(list)limit=1&cursor=\(cursor)").status == 200)
                let elsewhere = Self.encode(
                    Self.decode(cursor).replacing("\(epoch).", with: "another."))
                let answer = try await registry.get("\(list)limit=1&cursor=\(elsewhere)")
                #expect(answer.isProblem(410, "resync"), "\(list)")
            }
        }
    }

    @Test func `go along with what agents have and what a wave made`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            let moved = try await registry.cutOver(migration)
            let epoch = try #require(moved.epoch)
            #expect(moved["epoch"]?.text == "\(epoch)")
            let report = #"{"epoch":"\#(epoch)","revision":1}"#
            #expect(try await registry.send(.PUT, "/v1/agents/edge", json: report).status == 200)
            let agents = try await registry.get("/v1/agents")
            #expect(agents["items"]?.array.first?["epoch"]?.text == "\(epoch)")
        }
    }

    private static func decode(_ cursor: String) -> String {
        var text = cursor.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return String(decoding: Data(base64Encoded: text) ?? Data(), as: UTF8.self)
    }

    private static func encode(_ key: String) -> String {
        Data(key.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }
}
