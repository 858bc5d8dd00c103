import RegistryAPI
import TestRandom

/// Random values, and random ways to spell them.
struct RandomJSON {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func value(depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth < 5 ? 10 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(integer())
        case 3: return .number(double())
        case 4, 5: return .string(string())
        case 6, 7: return .array((0..<count()).map { _ in value(depth: depth + 1) })
        default:
            return .object(
                (0..<count()).map { index in
                    // The number keeps keys apart, for those too who compare them otherwise.
                    JSONValue.Member(key: "\(string())\(index)", value: value(depth: depth + 1))
                })
        }
    }

    /// The same value with other white space, escapes and letters of exponents.
    mutating func spelling(of value: JSONValue) -> String {
        let body =
            switch value {
            case .null: "null"
            case .bool(let flag): "\(flag)"
            case .integer(let number): "\(number)"
            case .number(let number): chance(2) ? "\(number)" : "\(number)".uppercased()
            case .string(let text): quoted(text)
            case .array(let elements):
                "[" + (elements.isEmpty ? space() : "")
                    + elements.map { spelling(of: $0) }.joined(separator: ",") + "]"
            case .object(let members):
                "{" + (members.isEmpty ? space() : "")
                    + members.map { member in
                        space() + quoted(member.key) + space() + ":" + spelling(of: member.value)
                    }.joined(separator: ",") + "}"
            }
        return space() + body + space()
    }

    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func count() -> Int {
        chance(12) ? Int.random(in: 10...40, using: &random) : Int.random(in: 0...4, using: &random)
    }

    private mutating func integer() -> Int64 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Int64.random(in: -9...9, using: &random)
        case 1: [.min, .max, .min + 1, .max - 1, 0].randomElement(using: &random) ?? 0
        default: Int64(bitPattern: random.next()) >> Int64.random(in: 0..<63, using: &random)
        }
    }

    private mutating func double() -> Double {
        while true {
            let double =
                chance(2)
                ? Double(bitPattern: random.next()) : Double.random(in: -1e6...1e6, using: &random)
            if double.isFinite { return double }
        }
    }

    private mutating func string() -> String {
        var text = String.UnicodeScalarView()
        let length = chance(10) ? 60 : Int.random(in: 0...12, using: &random)
        for _ in 0..<length { text.append(scalar()) }
        return String(text)
    }

    private mutating func scalar() -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0x61...0x7A, 0x20...0x7E, 0x20...0x7E, 0...0x1F, 0x22...0x22, 0x5C...0x5C, 0x7F...0x7FF,
            0x300...0x30F, 0x800...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF,
        ]
        let range = ranges.randomElement(using: &random) ?? 0x61...0x7A
        let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "a"
        // Foundation loses this one after an escape.
        return scalar == "\u{FEFF}" ? "a" : scalar
    }

    private mutating func space() -> String {
        guard chance(3) else { return "" }
        let spaces: [Character] = [" ", "\n", "\r", "\t"]
        return String((0..<3).map { _ in spaces.randomElement(using: &random) ?? " " })
    }

    private mutating func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            guard mustEscape || chance(6) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: chance(2))
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}

/// What the writer makes of a value: unlike `==`, it tells canonical equivalents apart.
func written(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.write(value)
    return String(decoding: writer.bytes, as: UTF8.self)
}
