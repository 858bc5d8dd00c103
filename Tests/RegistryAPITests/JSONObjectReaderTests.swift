import RegistryAPI
import Testing

@Suite("The reader of objects") struct JSONObjectReaderTests {
    private enum Mode: String, CaseIterable { case open, frozen }

    @Test func `gives the fields and finds nothing wrong with a good object`() throws {
        var reader = try reader(
            """
            {"name": "日本", "note": "a\\nb\\tc", "mode": "frozen", "flag": false, "count": 7,
             "inner": {"a": "b"}, "names": ["x", ""], "rows": [{"n": 1}, {"n": 2}], "any": [1, null]}
            """)
        #expect(reader.string("name", maximum: 2) == "日本")
        #expect(reader.optionalString("note", maximum: 5, allowsLineBreaks: true) == "a\nb\tc")
        #expect(reader.choice("mode", Mode.self) == .frozen)
        #expect(reader.bool("flag") == false)
        #expect(reader.integer("count", in: 1...7) == 7)
        let innerObject = reader.object("inner")
        var inner = try #require(innerObject)
        #expect(inner.text("a") == "b")
        inner.finish()
        #expect(reader.strings("names", minimum: 2, maximum: 2) == ["x", ""])
        #expect(reader.array("any", maximum: 2) == [.integer(1), .null])
        for (index, row) in reader.objects("rows", maximum: 2).enumerated() {
            var row = row
            #expect(row.integer("n", in: 0...9) == Int64(index + 1))
            row.finish()
        }
        reader.finish()
        #expect(reader.problems == [])
    }

    @Test func `takes absent fields for nothing where they are optional`() throws {
        var reader = try reader("{}")
        #expect(reader.optionalString("a", minimum: 1, maximum: 2) == nil)
        #expect(reader.optionalText("a") == nil)
        #expect(reader.optionalChoice("a", Mode.self) == nil)
        #expect(reader.optionalBool("a") == nil)
        #expect(reader.optionalInteger("a", in: 0...1) == nil)
        #expect(reader.optionalObject("a") == nil)
        let isNull = reader.isNull("a")
        #expect(!isNull)
        reader.finish()
        #expect(reader.problems == [])
    }

    @Test func `complains about every required field that is absent`() throws {
        var reader = try reader("{}")
        _ = reader.string("a", maximum: 1)
        _ = reader.text("b")
        _ = reader.choice("c", Mode.self)
        _ = reader.bool("d")
        _ = reader.integer("e", in: 0...1)
        _ = reader.object("f")
        _ = reader.array("g", maximum: 1)
        _ = reader.strings("h", maximum: 1)
        _ = reader.objects("i", maximum: 1)
        reader.finish()
        #expect(found(reader) == "abcdefghi".map { "/\($0) required" })
    }

    @Test(arguments: ["1", "1.5", "\"text\"", "null", "true", "[]", "{}"])
    func `complains about values of another kind, null among them`(value: String) throws {
        var reader = try reader("{\"a\": \(value)}")
        let isText = reader.optionalText("a") != nil
        let isFlag = reader.optionalBool("a") != nil
        let isInteger = reader.optionalInteger("a", in: 0...9) != nil
        let before = reader.problems.count
        _ = reader.array("a", maximum: 9)
        let isArray = reader.problems.count == before
        _ = reader.optionalObject("a")
        reader.finish()
        #expect(isText == (value == "\"text\""))
        #expect(isFlag == (value == "true"))
        #expect(isInteger == (value == "1"))
        #expect(isArray == (value == "[]"))
        let wrong = value == "null" || value == "1.5" ? 5 : 4
        #expect(found(reader) == Array(repeating: "/a wrong-type", count: wrong))
    }

    @Test func `complains once about a value that is no object`() throws {
        for text in ["[]", "null", "1", "\"{}\""] {
            var reader = try reader(text)
            _ = reader.string("a", maximum: 1)
            _ = reader.optionalText("b")
            reader.finish()
            #expect(found(reader) == [" wrong-type"])
        }
    }

    @Test func `complains about fields that nobody asked for, in their order`() throws {
        var reader = try reader(#"{"z": 1, "a": 1, "~/~1": 1, "/\u0301": 1, "": 1, "\u00e9": 1}"#)
        _ = reader.optionalInteger("a", in: 0...1)
        // A canonical equivalent is another field.
        _ = reader.optionalInteger("e\u{301}", in: 0...1)
        reader.finish()
        #expect(
            reader.problems.map { Array($0.pointer.utf8) }
                == ["/z", "/~0~1~01", "/~1\u{301}", "/", "/\u{E9}"].map { Array($0.utf8) })
        #expect(Set(reader.problems.map(\.code)) == ["unknown-field"])
    }

    @Test func `counts the length of strings in scalars`() throws {
        var reader = try reader(#"{"two": "e\u0301", "flag": "🇯🇵", "empty": ""}"#)
        #expect(reader.string("two", minimum: 2, maximum: 2) == "e\u{301}")
        #expect(reader.string("two", maximum: 1) == nil)
        #expect(reader.string("flag", minimum: 3, maximum: 9) == nil)
        #expect(reader.string("empty", maximum: 1) == nil)
        #expect(reader.string("empty", minimum: 0, maximum: 1) == "")
        #expect(found(reader) == ["/two too-long", "/flag too-short", "/empty too-short"])
        #expect(
            reader.problems.map(\.detail) == [
                "at most 1 character is allowed, not 2", "at least 3 characters are expected",
                "at least 1 character is expected",
            ])
    }

    @Test(arguments: ["\\u0000", "\\u001f", "\\n", "\\r", "\\t", "\\u007f", "\\u0085", "\\u009f"])
    func `refuses control characters, but line breaks where they are allowed`(escape: String) throws
    {
        var reader = try reader("{\"a\": \"x\(escape)y\"}")
        #expect(reader.optionalString("a", maximum: 9) == nil)
        #expect(found(reader) == ["/a invalid"])
        let allowed = reader.optionalString("a", maximum: 9, allowsLineBreaks: true)
        #expect((allowed != nil) == ["\\n", "\\r", "\\t"].contains(escape))
    }

    @Test(arguments: ["closed", "OPEN", "", "op\\u0065n "])
    func `names the values that are allowed`(text: String) throws {
        var reader = try reader("{\"mode\": \"\(text)\"}")
        #expect(reader.choice("mode", Mode.self) == nil)
        #expect(
            reader.problems == [
                .init(
                    pointer: "/mode", code: "not-allowed", detail: "one of open, frozen is expected"
                )
            ])
    }

    @Test(arguments: [
        ("0", "out-of-range"), ("101", "out-of-range"), ("-9223372036854775808", "out-of-range"),
        ("9223372036854775808", "out-of-range"), ("1e30", "out-of-range"), ("1.0", "wrong-type"),
        ("1e1", "wrong-type"), ("\"1\"", "wrong-type"),
    ])
    func `refuses numbers out of range or with a fraction`(number: String, code: String) throws {
        var reader = try reader("{\"n\": \(number)}")
        #expect(reader.integer("n", in: 1...100) == nil)
        #expect(found(reader) == ["/n \(code)"])
    }

    @Test func `points into nested objects and arrays`() throws {
        var reader = try reader(
            """
            {"in/ner": {"deep": {"x": 1, "y": 2}, "extra": 1},
             "rows": [{"n": 1}, {"n": "1", "more": 1}, 5, {}], "names": ["a", 1, null]}
            """)
        let innerObject = reader.object("in/ner")
        var inner = try #require(innerObject)
        let deepObject = inner.object("deep")
        var deep = try #require(deepObject)
        _ = deep.text("x")
        deep.finish()
        inner.finish()
        for var row in reader.objects("rows", maximum: 4) {
            _ = row.integer("n", in: 0...9)
            row.finish()
        }
        #expect(reader.strings("names", maximum: 3) == ["a"])
        reader.refuse("names", at: 0, "invalid", "of the caller's own")
        reader.finish()
        #expect(
            found(reader) == [
                "/in~1ner/deep/x wrong-type", "/in~1ner/deep/y unknown-field",
                "/in~1ner/extra unknown-field", "/rows/2 wrong-type", "/rows/1/n wrong-type",
                "/rows/1/more unknown-field",
                "/rows/3/n required", "/names/1 wrong-type",
                "/names/2 wrong-type", "/names/0 invalid",
            ])
        // Whichever reader of the document is asked.
        #expect(deep.problems == reader.problems)
    }

    @Test func `refuses arrays that are too long or too short`() throws {
        var reader = try reader(#"{"three": [1, 2, 3], "none": []}"#)
        #expect(reader.strings("three", maximum: 2) == [])
        let none = reader.objects("none", minimum: 1, maximum: 2)
        #expect(none.isEmpty)
        #expect(found(reader) == ["/three too-long", "/none too-short"])
    }

    @Test func `keeps the first 100 problems`() throws {
        let members = (0..<1000).map { "\"k\($0)\": 1" }.joined(separator: ",")
        var reader = try reader("{\(members), \"list\": [\(String(repeating: "1,", count: 500))1]}")
        #expect(reader.strings("list", maximum: 1000) == [])
        #expect(reader.problems.count == 100)
        reader.finish()
        reader.refuse("list", "invalid", "one more")
        #expect(reader.problems.map(\.pointer) == (0..<100).map { "/list/\($0)" })
    }

    @Test func `begins at the place that it is given`() throws {
        var reader = JSONObjectReader(try JSONDocument(parsing: "{}".utf8), pointer: "/a/0")
        _ = reader.text("b")
        #expect(found(reader) == ["/a/0/b required"])
    }

    private func reader(_ text: String) throws -> JSONObjectReader {
        JSONObjectReader(try JSONDocument(parsing: text.utf8))
    }

    private func found(_ reader: JSONObjectReader) -> [String] {
        reader.problems.map { "\($0.pointer) \($0.code)" }
    }
}
