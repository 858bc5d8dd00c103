import RegistryModel
import Yams

/// A picture as octoDNS' YamlProvider reads a zone: names relative to the zone, in the natural order that it asks for. The SOA isn't
/// octoDNS' business.
public struct OctoDNSText: Sendable {
    /// octoDNS counts the final dot: a name of this many bytes, without it, is the longest.
    public static let maximumBytes = 252

    public let file: [UInt8]

    /// - Throws: `aliasInFile`, `typeUnknown`.
    public init(_ rules: ZoneRules, _ picture: ZonePicture) throws {
        try rules.refuseAliases(in: picture)
        let zone = rules.zone.text
        var names: [(name: String, key: NaturalOrder, sets: ArraySlice<RecordSet>)] = []
        var rest = picture.sets[...]
        while let first = rest.first {
            let end = rest.firstIndex { $0.name != first.name } ?? rest.endIndex
            let relative =
                first.name == zone ? "" : String(first.name.dropLast(zone.utf8.count + 1))
            names.append((relative, NaturalOrder(relative), rest[..<end]))
            rest = rest[end...]
        }
        names.sort { ($0.key, $0.name) < ($1.key, $1.name) }
        let remarks =
            ["The registry's part of \(zone), as octoDNS reads it."] + picture.remarks(rules)
        var text = Array((remarks.map { "# \($0)\n" }.joined() + "---\n").utf8)
        // A tree of the whole zone would be some forty kilobytes a name. Mappings one after the other are one mapping.
        for start in stride(from: 0, to: names.count, by: Self.namesAtOnce) {
            let pairs = try names[start..<min(start + Self.namesAtOnce, names.count)].map {
                name, _, sets in (Self.quoted(name), Node(try sets.map { try Self.node($0) }))
            }
            text += try Yams.serialize(node: Node(pairs), width: -1).utf8
        }
        file = text
    }

    private static let namesAtOnce = 200

    /// Keys and texts are quoted, for `no` and `123` are names that YAML takes for something else.
    private static func quoted(_ text: String) -> Node {
        Node(text, Tag(.str), .singleQuoted)
    }

    private static func number(_ text: some StringProtocol) -> Node {
        Node(String(text), Tag(.int), .plain)
    }

    private static func node(_ set: RecordSet) throws(ZoneError) -> Node {
        var values: [Node] = []
        for value in set.values {
            guard let node = node(of: value, type: set.type) else {
                throw .typeUnknown(set.name, set.type)
            }
            values.append(node)
        }
        var pairs: [(Node, Node)] = [
            (Node("ttl"), number(String(set.ttl))), (Node("type"), quoted(set.type)),
        ]
        if ["CNAME", "DNAME"].contains(set.type) {
            pairs.append((Node("value"), values[0]))
        } else {
            pairs.append((Node("values"), Node(values)))
        }
        return Node(pairs)
    }

    /// - Returns: nil where octoDNS' form has no words for it.
    private static func node(of value: String, type: String) -> Node? {
        switch type {
        case "A", "AAAA", "CNAME", "DNAME", "NS", "PTR":
            return quoted(value)
        case "TXT", "SPF":
            return CharacterString.read(value).map { texts in
                // octoDNS cuts long texts itself, and takes a bare semicolon for a mistake.
                quoted(texts.joined().replacing(";", with: "\\;"))
            }
        default:
            return members[type].flatMap { node(of: value, members: $0) }
        }
    }

    /// What the fields of a type are called, in order, and whether they're numbers.
    private static let members: [String: [(name: String, isNumber: Bool)]] = [
        "MX": [("preference", true), ("exchange", false)],
        "SRV": [("priority", true), ("weight", true), ("port", true), ("target", false)],
        "CAA": [("flags", true), ("tag", false), ("value", false)],
        "DS": [("key_tag", true), ("algorithm", true), ("digest_type", true), ("digest", false)],
        "SSHFP": [("algorithm", true), ("fingerprint_type", true), ("fingerprint", false)],
        "TLSA": [
            ("certificate_usage", true), ("selector", true), ("matching_type", true),
            ("certificate_association_data", false),
        ],
        "NAPTR": [
            ("order", true), ("preference", true), ("flags", false), ("service", false),
            ("regexp", false), ("replacement", false),
        ],
    ]

    private static func node(
        of value: String, members: [(name: String, isNumber: Bool)]
    ) -> Node? {
        guard let fields = CharacterString.read(value), fields.count >= members.count else {
            return nil
        }
        // Digests may be written in several pieces.
        let last = fields[(members.count - 1)...].joined()
        let texts = fields[..<(members.count - 1)] + [last]
        return Node(
            zip(members, texts).map { member, text in
                (Node(member.name), member.isNumber ? number(text) : quoted(text))
            })
    }
}

/// RFC 1035 §5.1: fields between blanks, in quotes or not, where a backslash escapes.
enum CharacterString {
    /// - Returns: nil for bytes that aren't text, which YAML can't hold.
    static func read(_ data: String) -> [String]? {
        var fields: [[UInt8]] = []
        var current: [UInt8]?
        var isQuoted = false
        var bytes = Array(data.utf8)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                let number = String(decoding: bytes.prefix(3), as: UTF8.self)
                if number.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let code = UInt8(number), number.utf8.count == 3
                {
                    bytes = bytes.dropFirst(3)
                    current = (current ?? []) + [code]
                } else if let next = bytes.popFirst() {
                    current = (current ?? []) + [next]
                }
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                current = current ?? []
            case 0x20 where !isQuoted, 0x09 where !isQuoted:
                if let field = current { fields.append(field) }
                current = nil
            default:
                current = (current ?? []) + [byte]
            }
        }
        if let field = current { fields.append(field) }
        let texts = fields.compactMap { String(validating: $0, as: UTF8.self) }
        return texts.count == fields.count ? texts : nil
    }
}

/// The order of names in which numbers count as numbers, as people (and octoDNS) sort them.
struct NaturalOrder: Comparable {
    private enum Part: Comparable {
        case text(String)
        /// Without leading zeros: by length, then digit by digit.
        case number(Int, String)
    }

    private let parts: [Part]

    init(_ name: String) {
        var parts: [Part] = []
        var rest = Substring(name)
        while !rest.isEmpty {
            let text = rest.prefix { !Self.isDigit($0) }
            rest = rest[text.endIndex...]
            let digits = rest.prefix(while: Self.isDigit)
            rest = rest[digits.endIndex...]
            parts.append(.text(String(text)))
            if !digits.isEmpty {
                let number = digits.drop { $0 == "0" }
                parts.append(.number(number.utf8.count, String(number)))
            }
        }
        self.parts = parts
    }

    private static func isDigit(_ character: Character) -> Bool {
        ("0"..."9").contains(character)
    }

    static func < (left: NaturalOrder, right: NaturalOrder) -> Bool {
        left.parts.lexicographicallyPrecedes(right.parts)
    }
}
