import RegistryAPI
import Testing

@Suite("A JSON document") struct JSONParserTests {
    @Test(arguments: JSONDocuments.accepted)
    func `is accepted where RFC 8259 allows it`(text: String) {
        #expect(throws: Never.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test(arguments: JSONDocuments.refused)
    func `is refused where RFC 8259 or the contract doesn't allow it`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test func `becomes the values that it spells, in its order`() throws {
        let text = """
            {"z": [1, -2, 1.0, 1e3, 1.5, -0, 9223372036854775808, -9223372036854775809],
             "a": {"t": true, "f": false, "n": null}, "": "",
             "s": "\\u0041\\n\\ud83d\\ude00/é\\/", "long": "0123456789abcdef\\\\0123456789abcdef"}
            """
        let expected = JSONValue.object([
            .init(
                key: "z",
                value: .array([
                    .integer(1), .integer(-2), .number(1), .number(1000), .number(1.5), .integer(0),
                    .number(0x1p63), .number(-0x1p63),
                ])),
            .init(
                key: "a",
                value: .object([
                    .init(key: "t", value: .bool(true)), .init(key: "f", value: .bool(false)),
                    .init(key: "n", value: .null),
                ])),
            .init(key: "", value: .string("")),
            .init(key: "s", value: .string("A\n😀/é/")),
            .init(key: "long", value: .string("0123456789abcdef\\0123456789abcdef")),
        ])
        #expect(try JSONValue(parsing: text.utf8) == expected)
    }

    @Test func `may nest 32 containers and not 33`() throws {
        func arrays(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        func objects(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        for nested in [arrays, objects] {
            _ = try JSONValue(parsing: nested(32).utf8)
            // Side by side isn't one in the other.
            let siblings = Array(repeating: nested(31), count: 40).joined(separator: ",")
            _ = try JSONValue(parsing: "[\(siblings)]".utf8)
            for depth in [33, 34, 100_000] {
                #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: nested(depth).utf8) }
            }
        }
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: String(repeating: "[", count: 1_000_000).utf8)
        }
        #expect(error == JSONSyntaxError(offset: 32, reason: "nesting is deeper than 32"))
    }

    @Test func `is refused at the byte where its strings stop being UTF-8`() {
        for (bytes, offset) in JSONDocuments.notUTF8 {
            // Before and after enough to come through the loops over eight bytes.
            for padding in ["", "0123456", "01234567", "0123456789\\n"] {
                let start = Array("[\"\(padding)".utf8)
                let error = #expect(throws: JSONSyntaxError.self) {
                    try JSONValue(parsing: start + bytes + Array("\(padding)\"]".utf8))
                }
                #expect(error?.offset == start.count + offset, "\(bytes)")
                #expect(error?.reason == "the string isn't valid UTF-8")
                let asKey = Array("{\"".utf8) + bytes + Array("\":1}".utf8)
                #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: asKey) }
                #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: bytes + [0x31]) }
            }
        }
    }

    @Test(arguments: [
        ("", 0, "the document ends where a value is expected"),
        ("\u{FEFF}1", 0, "a byte order mark isn't allowed"),
        ("1 x", 2, "there is something after the end of the document"),
        ("[1", 2, "the document ends inside a container"),
        ("[1 2]", 3, "a comma or the end of the array is expected"),
        ("[1,]", 3, "a value is expected"),
        ("{\"a\" 1}", 5, "a colon is expected"),
        ("{\"a\":1,}", 7, "a key in quotes is expected"),
        ("{\"é\":1, \"é\":2}", 9, "the key \"é\" comes twice"),
        ("[01]", 1, "a number can't begin with zeros"),
        ("[1.]", 3, "a digit is expected"),
        ("[1e999]", 1, "the number is out of range"),
        ("\"abcdefghi", 10, "the string doesn't end"),
        ("\"abcdefgh\u{1}\"", 9, "a control character in a string must be escaped"),
        (#""ab\q""#, 3, "there is no such escape"),
        (#""ab\u12x4""#, 7, "four hexadecimal digits are expected"),
        (#""ab\ud800""#, 3, "half of a surrogate pair"),
    ])
    func `says where and why it is refused`(text: String, offset: Int, reason: String) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error == JSONSyntaxError(offset: offset, reason: reason))
        #expect(error?.description == "at byte \(offset): \(reason)")
    }

    @Test(arguments: [2, 15, 16, 17, 18, 1000])
    func `is refused for a key that comes twice among many`(count: Int) {
        let keys = (0..<count).map { "\"k\($0)\":0" }
        let once = keys.joined(separator: ",")
        #expect(throws: Never.self) { try JSONValue(parsing: "{\(once)}".utf8) }
        for index in [0, count / 2, count - 1] {
            let twice = (keys + [keys[index]]).joined(separator: ",")
            #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: "{\(twice)}".utf8) }
        }
    }

    /// With each key compared to each other these would be 40 thousand million comparisons.
    @Test(.timeLimit(.minutes(15)))
    func `is read in proportion to its keys`() throws {
        let members = (0..<200_000).map { "\"key\($0)\":0" }.joined(separator: ",")
        guard case .object(let read) = try JSONValue(parsing: "{\(members)}".utf8) else {
            Issue.record("an object is expected")
            return
        }
        #expect(read.count == 200_000)
    }

    @Test func `names a key that comes twice in few characters`() {
        // One Character, a million scalars.
        let key = "e" + String(repeating: "\u{301}", count: 1_000_000)
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: "{\"\(key)\":1,\"\(key)\":2}".utf8)
        }
        #expect((error?.reason.utf8.count ?? .max) < 200)
    }

    @Test func `is the same from every kind of collection`() throws {
        let text = #"{"a":[1,"é"]}"#
        let expected = try JSONValue(parsing: Array(text.utf8))
        #expect(try JSONValue(parsing: Array(" \(text) ".utf8)[1...]) == expected)
        #expect(try JSONValue(parsing: text.utf8) == expected)
        // No contiguous storage.
        #expect(try JSONValue(parsing: text.utf8.lazy.map { $0 }) == expected)
        let raw = try Array(text.utf8).withUnsafeBytes { try JSONValue(parsing: $0) }
        #expect(raw == expected)
        #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }
}
