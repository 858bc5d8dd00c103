import TestRandom
import Testing

@testable import RegistryAPI

/// Fields read one by one: the reader over an index, or the one over trees.
private protocol FieldReader {
    var isObject: Bool { get }
    var problems: [JSONObjectReader.Problem] { get }
    mutating func optionalString(
        _ name: String, minimum: Int, maximum: Int, allowsLineBreaks: Bool
    ) -> String?
    mutating func string(
        _ name: String, minimum: Int, maximum: Int, allowsLineBreaks: Bool
    ) -> String?
    mutating func text(_ name: String) -> String?
    mutating func bool(_ name: String) -> Bool?
    mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64?
    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64?
    mutating func optionalNumber(
        _ name: String, above minimum: Double, atMost maximum: Double
    ) -> Double?
    mutating func has(_ name: String) -> Bool
    mutating func isNull(_ name: String) -> Bool
    mutating func optionalObject(_ name: String) -> Self?
    mutating func object(_ name: String) -> Self?
    mutating func array(_ name: String, minimum: Int, maximum: Int) -> [JSONValue]
    mutating func strings(_ name: String, minimum: Int, maximum: Int) -> [String]
    mutating func objects(_ name: String, minimum: Int, maximum: Int) -> [Self]
    func refuse(_ name: String, at index: Int, _ code: String, _ detail: String)
    func finish()
}

extension JSONObjectReader: FieldReader {}
extension TreeObjectReader: FieldReader {}

@Suite("The reader over an index") struct JSONDifferentialTests {
    @Test(arguments: 500..<520 as Range<UInt64>)
    func `reads what the one over trees reads, and refuses it at the same place`(seed: UInt64) {
        var source = RandomJSON(seed: seed)
        for _ in 0..<200 {
            var bytes = Array(source.spelling(of: source.value()).utf8)
            for _ in 0..<Int.random(in: 0...3, using: &source.random) {
                source.damage(&bytes)
            }
            let depth = Int.random(in: 0...2, using: &source.random)
            let tree = TreeParser.value(of: bytes, inside: depth)
            let index = Result { () throws(JSONSyntaxError) in
                JSONValue(try JSONDocument(parsing: bytes, inside: depth))
            }
            #expect(index == tree, "\(bytes)")
            #expect(index.map(written) == tree.map(written), "\(bytes)")
        }
    }

    @Test func `counts the depth of nesting as the other does`() {
        for depth in 28...35 {
            for inside in 0...3 {
                let text =
                    String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                let bytes = Array(text.utf8)
                let index = Result { () throws(JSONSyntaxError) in
                    JSONValue(try JSONDocument(parsing: bytes, inside: inside))
                }
                #expect(index == TreeParser.value(of: bytes, inside: inside))
            }
        }
    }

    @Test(arguments: 600..<620 as Range<UInt64>)
    func `gives the same fields and the same problems`(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        var document = JSONDocument()
        for round in 0..<100 {
            let bytes = Array(source.spelling(of: source.object(depth: 0)).utf8)
            // Keys by chance may be the same.
            guard case .success(let tree) = TreeParser.value(of: bytes) else { continue }
            try document.read(bytes)
            let calls = seed << 32 + UInt64(round)
            var (one, other) = (
                SeededRandom(seed: calls), SeededRandom(seed: calls)
            )
            var reader = JSONObjectReader(document, pointer: "/a")
            var treeReader = TreeObjectReader(tree, pointer: "/a")
            let results = Self.exercise(&reader, &one)
            let treeResults = Self.exercise(&treeReader, &other)
            #expect(results == treeResults, "\(String(decoding: bytes, as: UTF8.self))")
            #expect(
                reader.problems == treeReader.problems, "\(String(decoding: bytes, as: UTF8.self))"
            )
        }
    }

    /// Calls by chance, and what each gives.
    private static func exercise(
        _ reader: inout some FieldReader, _ random: inout SeededRandom, depth: Int = 0
    ) -> [String] {
        var results = ["\(reader.isObject)"]
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let name = RandomJSON.names.randomElement(using: &random) ?? ""
            let (low, high) = (
                Int.random(in: 0...2, using: &random), Int.random(in: 1...20, using: &random)
            )
            let range = Int64(-low)...Int64(high)
            switch Int.random(in: 0..<16, using: &random) {
            case 0:
                results.append(
                    "\(reader.optionalString(name, minimum: low, maximum: high, allowsLineBreaks: low == 0) ?? "-")"
                )
            case 1:
                results.append(
                    "\(reader.string(name, minimum: low, maximum: high, allowsLineBreaks: true) ?? "-")"
                )
            case 2: results.append(reader.text(name) ?? "-")
            case 3: results.append("\(reader.bool(name).map(\.description) ?? "-")")
            case 4: results.append("\(reader.optionalInteger(name, in: range) ?? 99)")
            case 5: results.append("\(reader.integer(name, in: .min ... .max) ?? 99)")
            case 6: results.append("\(reader.optionalNumber(name, above: -1e6, atMost: 1e6) ?? 99)")
            case 7: results.append("\(reader.has(name))")
            case 8: results.append("\(reader.isNull(name))")
            case 9, 10:
                guard var inner = low == 0 ? reader.optionalObject(name) : reader.object(name)
                else { continue }
                results += exercise(&inner, &random, depth: depth + 1)
            case 11:
                results.append(
                    reader.array(name, minimum: low, maximum: high).map(written).joined())
            case 12: results += reader.strings(name, minimum: low, maximum: high)
            case 13, 14:
                for var inner in reader.objects(name, minimum: low, maximum: high) {
                    results += exercise(&inner, &random, depth: depth + 1)
                }
            default: reader.refuse(name, at: low, "invalid", "so it is")
            }
        }
        reader.finish()
        return results
    }
}

extension RandomJSON {
    /// Few, so that readers meet them, and some that pointers escape or that have two forms.
    static let names = [
        "a", "b", "c/d", "e~", "é", "e\u{301}", "\"", "long name \\ of a field", "",
    ]

    mutating func object(depth: Int) -> JSONValue {
        var members: [JSONValue.Member] = []
        for name in Self.names.shuffled(using: &random).prefix(
            Int.random(in: 0...9, using: &random))
        {
            members.append(JSONValue.Member(key: name, value: field(depth: depth)))
        }
        // Beyond what is compared one by one, and beyond what one word counts.
        if chance(20) {
            for number in 0..<(chance(2) ? 15 : 80) {
                members.insert(
                    JSONValue.Member(key: "more \(number)", value: .null),
                    at: Int.random(in: 0...members.count, using: &random))
            }
        }
        return .object(members)
    }

    private mutating func field(depth: Int) -> JSONValue {
        guard depth < 3, !chance(2) else { return value(depth: 4) }
        guard chance(2) else { return object(depth: depth + 1) }
        return .array(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                chance(4) ? value(depth: 5) : object(depth: depth + 1)
            })
    }

    mutating func damage(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let marks = Array("{}[]:,\"\\u0-.eE \n".utf8)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 2: bytes.insert(marks.randomElement(using: &random) ?? 0, at: place)
        case 3 where place < bytes.count: bytes.remove(at: place)
        case 4 where place < bytes.count:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
        }
    }
}
