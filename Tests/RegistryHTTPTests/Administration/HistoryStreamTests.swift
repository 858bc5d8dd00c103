import NIOCore
import RegistryAPI
import RegistryModel
import Testing

@Suite("History as a stream", .timeLimit(.minutes(15))) struct HistoryStreamTests {
    private static let ndjson = [("Accept", "application/x-ndjson")]
    private static let csv = [("Accept", "text/csv")]

    /// A log with every kind of line, and more lines than a page takes.
    private static func fill(_ registry: RunningRegistry, count: Int = 2_500) async throws {
        try await registry.registerAll((0..<count).map { "n\($0).example.com" })
        let odd =
            #"{"fqdn":"odd.example.com","tenant":"a, \"b\"\r\nÄ","reason":"x,\n\"y\"","ticket":"=1"}"#
        #expect(try await registry.post("/v1/domains", odd).status == 400)
        let fine = odd.replacing(#"\r\n"#, with: "")
        #expect(try await registry.post("/v1/domains", fine).status == 201)
        for _ in 0..<3 {
            registry.clock.advance(by: .days(1))
            for name in ["odd", "n1", "n7"] {
                for location in ["aws", "japan"] {
                    try await registry.send(
                        .PATCH, "/v1/domains/\(name).example.com",
                        json: #"{"location":"\#(location)"}"#)
                }
            }
        }
        try await registry.send(.DELETE, "/v1/domains/odd.example.com")
        try await registry.send(
            .PUT, "/v1/locations/mars",
            json: #"{"upstream":"http://mars","accepts_signups":true,"default_for_signups":true}"#)
    }

    /// The bytes of all items of all pages.
    private static func pages(
        _ registry: RunningRegistry, _ target: String, _ query: String
    ) async throws -> [[UInt8]] {
        var items: [[UInt8]] = []
        var cursor = ""
        while true {
            let answer = try await registry.get("\(target)?limit=7&\(query)\(cursor)")
            try #require(answer.status == 200)
            let next = answer["next_cursor"]?.text
            let tail = next.map { #"],"next_cursor":"\#($0)"}"# } ?? "]}"
            let body = answer.text
            let text = body.dropFirst(#"{"items":["#.utf8.count).dropLast(tail.utf8.count)
            let page = answer.items.map { item -> [UInt8] in
                var writer = JSONWriter()
                writer.write(item)
                return writer.bytes
            }
            // Written again, the items are the body's own bytes.
            #expect(page.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ",") == text)
            items += page
            guard let next else { return items }
            cursor = "&cursor=\(next)"
        }
    }

    @Test func `has the bytes of all pages, for every filter`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry, count: 60)
            let admin = registry.token(.admin).split(separator: "_")[1]
            for query in [
                "", "order=asc", "action=moved", "location=aws&order=asc", "actor=\(admin)",
                "since=2026-01-02T00:00:00Z", "until=2026-01-03T00:00:00Z&location=japan",
                "action=moved&location=aws&order=asc&actor=\(admin)", "action=frozen",
                "after=9", "after=9&order=asc&action=moved", "after=9999",
            ] {
                for target in ["/v1/history", "/v1/domains/n1.example.com/history"] {
                    let stream = try await registry.get(
                        "\(target)?\(query)", as: .role(.auditor), headers: Self.ndjson)
                    #expect(stream.status == 200)
                    let pages = try await Self.pages(registry, target, query)
                    let expected = pages.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
                    #expect(stream.text == expected, "\(target)?\(query)")
                    #expect(stream.revision == (try await registry.head()))
                    let table = try await registry.get("\(target)?\(query)", headers: Self.csv)
                    #expect(
                        try CSVTable(table.text).rows.map(\.asItem)
                            == pages.map { try JSONValue(parsing: $0) })
                }
            }
        }
    }

    @Test func `is whole beyond one page, and stops at a limit of any size`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry)
            let all = try await registry.get("/v1/history?order=asc", headers: Self.ndjson)
            let lines = all.text.split(separator: "\n")
            let page = try await registry.get("/v1/history?order=asc&limit=1000").items
            #expect(lines.count > 2_500)
            #expect(try lines[..<1000].map { try JSONValue(parsing: Array($0.utf8)) } == page)
            for limit in [1, 999, 1000, 1001, 2_400, 100_000] {
                let some = try await registry.get(
                    "/v1/history?order=asc&limit=\(limit)", headers: Self.ndjson)
                #expect(some.text.split(separator: "\n") == Array(lines.prefix(limit)))
            }
        }
    }

    @Test func `refuses what a stream can't have, before it begins`() async throws {
        try await withRegistry { registry in
            for (query, complaint) in [
                ("limit=0", "?limit invalid"), ("cursor=x", "?cursor conflict"),
                ("after=-1", "?after invalid"), ("action=eaten", "?action invalid"),
            ] {
                for headers in [Self.ndjson, Self.csv] {
                    let answer = try await registry.get("/v1/history?\(query)", headers: headers)
                    #expect(answer.complaints == [complaint])
                }
            }
            let unknown = try await registry.get(
                "/v1/domains/nobody.example.com/history", headers: Self.csv)
            #expect(unknown.isProblem(404, "unknown-domain"))
        }
    }

    @Test func `answers HEAD with the head alone, and goes on with the connection`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry, count: 5)
            try await registry.connected { connection in
                let head =
                    "Host: localhost\r\nAuthorization: Bearer \(registry.token(.auditor))\r\n"
                for (method, type) in [
                    ("HEAD", "text/csv"), ("HEAD", "application/x-ndjson"),
                    ("HEAD", "application/json"),
                ] {
                    try await connection.send(
                        "\(method) /v1/history HTTP/1.1\r\n\(head)Accept: \(type)\r\n\r\n")
                    let answer = try await connection.answer(toHead: true)
                    #expect(answer.status == 200)
                    #expect(answer.header("Content-Type")?.hasPrefix(type) == true)
                    #expect(
                        (answer.header("Content-Length") == nil) == (type != "application/json"))
                }
            }
        }
    }

    @Test(arguments: ["", "Connection: keep-alive\r\n"])
    func `reaches clients of HTTP/1.0 without chunks`(fields: String) async throws {
        try await withRegistry { registry in
            try await Self.fill(registry, count: 2_000)
            let expected = try await registry.get("/v1/history", headers: Self.csv)
            try await registry.connected { connection in
                try await connection.send(
                    "GET /v1/history HTTP/1.0\r\n\(fields)Accept: text/csv\r\n"
                        + "Authorization: Bearer \(registry.token(.auditor))\r\n\r\n")
                let answer = try await connection.answer()
                #expect(answer.status == 200)
                #expect(answer.header("Transfer-Encoding") == nil)
                #expect(answer.bytes == expected.bytes)
            }
        }
    }

    @Test func `ends where it began: what is written meanwhile doesn't show`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry, count: 9_000)
            let head = try await registry.head()
            try await registry.connected { connection in
                try await connection.send(
                    "GET /v1/history?order=asc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        + "Authorization: Bearer \(registry.token(.auditor))\r\n"
                        + "Accept: application/x-ndjson\r\n\r\n")
                // The first bytes are here, the rest waits for us: there is more than sockets hold.
                let first = try await connection.next()
                for number in 0..<20 { try await registry.register("late\(number).example.com") }
                let text = String(decoding: first + (try await connection.rest()), as: UTF8.self)
                #expect(
                    text.contains("X-Registry-Revision") || text.contains("x-registry-revision"))
                #expect(text.contains("n8999.example.com"))
                #expect(!text.contains("late"))
                #expect(text.hasSuffix("0\r\n\r\n"), "the last chunk")
            }
            #expect(try await registry.head() == head + 20)
        }
    }

    @Test func `waits for a client that doesn't read, and lets it go when it leaves`() async throws
    {
        try await withRegistry { registry in
            try await registry.registerAll((0..<6_000).map { "n\($0).example.com" })
            for _ in 0..<3 {
                try await registry.connected { connection in
                    try await connection.send(
                        "GET /v1/history HTTP/1.1\r\nHost: localhost\r\n"
                            + "Authorization: Bearer \(registry.token(.auditor))\r\n"
                            + "Accept: application/x-ndjson\r\n\r\n")
                    _ = try await connection.next()
                }
            }
            // The others are served.
            #expect(try await registry.get("/v1/domains/n1.example.com").status == 200)
            #expect(try await registry.get("/v1/history?limit=1").items.count == 1)
        }
    }
}

/// CSV as RFC 4180 has it, read back.
private struct CSVTable {
    var rows: [[String: String]] = []

    struct Broken: Error {}

    init(_ text: String) throws {
        var lines: [[String]] = [[]]
        var field = ""
        var isQuoted = false
        var bytes = Array(text.utf8)[...]
        var content: [UInt8] = []
        func end() { field = String(decoding: content, as: UTF8.self) }
        while let byte = bytes.popFirst() {
            switch (byte, isQuoted) {
            case (0x22, true) where bytes.first == 0x22:
                content.append(0x22)
                bytes.removeFirst()
            case (0x22, _): isQuoted.toggle()
            case (0x2C, false), (0x0D, false):
                end()
                lines[lines.count - 1].append(field)
                content = []
                guard byte == 0x0D else { continue }
                guard bytes.popFirst() == 0x0A else { throw Broken() }
                lines.append([])
            default: content.append(byte)
            }
        }
        guard lines.removeLast().isEmpty, content.isEmpty, let names = lines.first else {
            throw Broken()
        }
        for line in lines.dropFirst() {
            guard line.count == names.count else { throw Broken() }
            rows.append(Dictionary(uniqueKeysWithValues: zip(names, line)))
        }
    }
}

extension [String: String] {
    /// A row as the JSON item that it stands for.
    fileprivate var asItem: JSONValue {
        func text(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
        func member(_ name: String, _ column: String? = nil) -> JSONValue.Member? {
            text(column ?? name).map { JSONValue.Member(key: name, value: .string($0)) }
        }
        func number(_ name: String) -> JSONValue.Member? {
            text(name).flatMap { Int64($0) }.map { .init(key: name, value: .integer($0)) }
        }
        func state(_ side: String) -> JSONValue.Member {
            if let json = text(side), let value = try? JSONValue(parsing: Array(json.utf8)) {
                return .init(key: side, value: value)
            }
            guard text("\(side)_location") != nil else { return .init(key: side, value: .null) }
            return .init(
                key: side,
                value: .object(
                    ["location", "mode", "tenant"].compactMap { member($0, "\(side)_\($0)") }))
        }
        let actor = ["token", "name", "role"].compactMap { member($0, "actor_\($0)") }
        let members: [JSONValue.Member?] = [
            number("revision"), member("at"), member("fqdn"), member("subject"), member("action"),
            state("before"), state("after"), .init(key: "actor", value: .object(actor)),
            member("reason"), member("ticket"), member("migration"), number("wave"),
            member("override_reason"), member("request_id"),
        ]
        return .object(members.compactMap(\.self))
    }
}
