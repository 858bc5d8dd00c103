import Foundation
import Testing

@Suite("A cursor", .timeLimit(.minutes(15))) struct CursorTests {
    private static func cursor(_ key: String) -> String {
        Data(key.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    /// What no list has written: NUL, no UTF-8, blanks, another letter, a text longer than any key.
    private static let nobodys =
        ["AA", "AAAA", "_w", "wyg", "YQ=", "%00"]
        + [
            "\0", "a\0b", "a.example.com\0", " ", "a b", "a\n", "é",
            String(repeating: "a", count: 400),
        ]
        .map(cursor)

    /// What another list may have written, or has another spelling.
    private static let strange: [(list: String, keys: [String])] = [
        (
            "/v1/domains?limit=1",
            ["A.Example.COM", "a.example.com.", "-1", "*", "no_name", "a", "1/a.example.com"]
        ),
        (
            "/v1/domains?revision=6&limit=1",
            [
                "a.example.com", "-1/a.example.com", "99999/a.example.com", "2/",
                "2//a.example.com",
                "06/a.example.com", "+6/a.example.com", "6/A.example.com", "/a.example.com",
                "9223372036854775808/a.example.com",
            ]
        ),
        (
            "/v1/history?limit=1",
            [
                "0", "1", "1.", ".1", "1..2", "1.2.3", "-1.0", "1.-1", "+1.0", "01.0", "1.00",
                "0.0",
                "1.9223372036854775808", "9223372036854775808.0", "1e3.0", "a.example.com",
            ]
        ),
        ("/v1/domains/a.example.com/history?limit=1", ["0.0", "1,0", "a.example.com"]),
        (
            "/v1/locations?limit=1",
            ["-x", "UPPER", "a.b", "a_b", String(repeating: "a", count: 64)]
        ),
        ("/v1/tokens?limit=1", ["a.b", "a/b", "*", String(repeating: "a", count: 65)]),
        ("/v1/migrations?limit=1", ["a.b", "m/x", "m-unknown", "1"]),
        ("MIGRATION/domains?limit=1", ["0", "-1", "+5", "007", "9223372036854775808", "1e3", "a"]),
        ("/v1/agents?limit=1", ["a/b", "*", String(repeating: "a", count: 101)]),
    ]

    @Test func `that can't be one is refused by every list, before a store sees it`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com", "b.example.com"])
            for (list, keys) in Self.strange {
                let list = list.replacing("MIGRATION", with: migration.path)
                for cursor in Self.nobodys + keys.map(Self.cursor) {
                    let answer = try await registry.raw(
                        "GET", "\(list)&cursor=\(cursor)", as: .role(.admin))
                    #expect(answer.status == 400, "\(list) \(cursor)")
                    #expect(["invalid-cursor", "invalid-request"].contains(answer.code))
                }
            }
        }
    }

    @Test func `of a list leads on, and its neighbour in base64 doesn't`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com", "b.example.com"])
            _ = try await registry.plan(["b.example.com"])
            for (list, _) in Self.strange where !list.contains("agents") {
                let list = list.replacing("MIGRATION", with: migration.path)
                let first = try await registry.raw("GET", list, as: .role(.admin))
                guard let cursor = first["next_cursor"]?.text else {
                    // A domain of one change has one page.
                    #expect(list.contains("a.example.com"), "\(list)")
                    continue
                }
                let next = try await registry.raw(
                    "GET", "\(list)&cursor=\(cursor)", as: .role(.admin))
                #expect(next.status == 200 && !next.items.isEmpty, "\(list)")
                let padded = try await registry.raw(
                    "GET", "\(list)&cursor=\(cursor)AA", as: .role(.admin))
                #expect(padded.isProblem(400, "invalid-cursor"), "\(list)")
            }
        }
    }
}
