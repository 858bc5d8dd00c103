import RegistryAPI
import TestRandom
import Testing

@Suite("The JSON writer") struct JSONWriterTests {
    @Test func `puts commas and colons where they belong, in the order of the calls`() {
        let text = writing { writer in
            writer.beginObject()
            writer.field("z", .text("text"))
            writer.field("a", Cell(1))
            writer.key("list")
            writer.beginArray()
            writer.beginArray()
            writer.endArray()
            writer.integer(1)
            writer.beginObject()
            writer.endObject()
            writer.string("s")
            writer.null()
            writer.bool(true)
            writer.number(0.5)
            writer.endArray()
            writer.field("yes", Cell(true))
            writer.field("no", Cell(false))
            writer.field("tenant", Cell("t"))
            writer.field("absent", .absent)
            writer.field("count", .number(7))
            writer.key(named: "a\"b")
            writer.null()
            writer.key("tree")
            writer.write(.array([.null, .object([])]))
            writer.endObject()
        }
        #expect(
            text == #"{"z":"text","a":1,"list":[[],1,{},"s",null,true,0.5],"yes":true,"no":false,"#
                + #""tenant":"t","count":7,"a\"b":null,"tree":[null,{}]}"#)
    }

    @Test func `escapes what RFC 8259 asks for and nothing else`() {
        let controls = (0..<0x20).map { String(Unicode.Scalar(UInt8($0))) }.joined()
        #expect(
            writing { $0.string(controls) }
                == #""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f"#
                + #"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b"#
                + #"\u001c\u001d\u001e\u001f""#)
        #expect(writing { $0.string(#"a"b\c/d"#) } == #""a\"b\\c/d""#)
        #expect(writing { $0.string("\u{7F}é日本😀\u{2028}") } == "\"\u{7F}é日本😀\u{2028}\"")
        #expect(writing { $0.string("") } == "\"\"")
        #expect(writing { $0.key("a\"\\") } == #""a\"\\":"#)
    }

    /// The scan looks at eight bytes at once: every place and every neighbour.
    @Test func `finds what it must escape at every place`() throws {
        for length in 0..<20 {
            for place in 0..<max(length, 1) where length > 0 {
                for byte in UInt8(0)...0x7F {
                    for filler in ["a", "!", "#", "[", "]", " ", "\u{7F}"] {
                        var bytes = Array(String(repeating: filler, count: length).utf8)
                        bytes[place] = byte
                        let text = String(decoding: bytes, as: UTF8.self)
                        let isSpecial = byte < 0x20 || byte == 0x22 || byte == 0x5C
                        let output = writing { $0.string(text) }
                        #expect(output.contains("\\") == isSpecial)
                        #expect(try JSONValue(parsing: output.utf8) == .string(text))
                    }
                }
            }
        }
    }

    @Test func `writes every integer in decimal`() {
        for number: Int64 in [0, 1, -1, 9, 10, 99, 100, -100, .max, .min, .min + 1] {
            #expect(writing { $0.integer(number) } == "\(number)")
            #expect(writing { $0.integer(Int(number)) } == "\(number)")
        }
        for number: UInt64 in [0, 1, 10, .max] {
            #expect(writing { $0.integer(number) } == "\(number)")
        }
        var random = SeededRandom(seed: 1)
        for shift in 0..<UInt64(64) {
            let number = random.next() >> shift
            #expect(writing { $0.integer(number) } == "\(number)")
        }
    }

    @Test func `writes numbers so that they read back the same`() throws {
        for number in [0.1, 1, -0.0, 1e16, 1e300, .leastNonzeroMagnitude, -1.5e-7] {
            let text = writing { $0.number(number) }
            guard case .number(let read) = try JSONValue(parsing: text.utf8) else {
                Issue.record("\(text) isn't read as a number")
                continue
            }
            #expect(read.bitPattern == number.bitPattern)
        }
        #expect(writing { $0.number(.infinity) } == "null")
        #expect(writing { $0.number(.nan) } == "null")
    }

    private func writing(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
