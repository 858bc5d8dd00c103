/// A tenant's domain name in canonical form: lower-case A-labels, no trailing dot, no port.
///
/// Limits are bytes, RFC 1035 §2.3.4: label 1–63, whole name at most 253 in text form. Names are
/// compared byte by byte, never by Unicode equivalence: the canonical form is ASCII only.
public struct FQDN: Hashable, Sendable {
    /// The canonical text, for example `acme.kintone.com`.
    public let text: String

    /// Reads a name as people and proxies write it: one trailing dot and ASCII capitals are
    /// accepted, labels outside ASCII go through IDNA2008.
    ///
    /// - Throws: the first rule that `input` breaks.
    public init(_ input: some StringProtocol) throws(Malformed) {
        let name = Self.withoutTrailingDot(input)
        guard !name.isEmpty else { throw .empty }
        // An A-label is never longer than 63 bytes, its U-label never over 252: longer text can't
        // become a name, and isn't worth a trip through libidn2.
        guard name.utf8.count <= 4 * Self.maximumBytes else { throw .tooLong }

        let folded = Self.lowercasingASCII(name)
        let ascii = try Self.needsIDNA(folded) ? IDNA.canonical(folded) : folded
        try Self.check(ascii.utf8)
        text = ascii
    }

    /// Wraps text that is known to be canonical because this type produced it, for example a row
    /// of the store.
    package init(canonical text: String) {
        self.text = text
    }

    /// The leftmost label, the part that the tenant chose.
    public var firstLabel: Substring { text.prefix { $0 != "." } }

    /// Whether the name is `parent` or lies below it, compared label by label:
    /// `evilkintone.com` isn't below `kintone.com`.
    public func isWithin(_ parent: FQDN) -> Bool {
        guard text.utf8.count > parent.text.utf8.count else { return self == parent }
        return text.hasSuffix("." + parent.text)
    }

    /// Whether a label has hyphens where RFC 5891 §4.2.3.1 keeps them for A-labels, and is none.
    public var hasReservedHyphens: Bool {
        text.split(separator: ".").contains { label in
            label.dropFirst(2).hasPrefix("--") && !label.hasPrefix("xn--")
        }
    }

    public static let maximumBytes = 253
    static let maximumLabelBytes = 63
}

extension FQDN {
    /// By scalars: to Swift a dot after U+0D4E is half a `Character`, to the DNS it's a dot.
    static func withoutTrailingDot(_ input: some StringProtocol) -> String {
        var name = String(input)
        if name.utf8.last == UInt8(ascii: ".") { name.unicodeScalars.removeLast() }
        return name
    }

    /// Only `A`–`Z`: what Unicode calls lower case isn't what the DNS calls the same name.
    static func lowercasingASCII(_ name: String) -> String {
        let isCapital = { (byte: UInt8) in byte >= 0x41 && byte <= 0x5A }
        guard name.utf8.contains(where: isCapital) else { return name }
        return String(decoding: name.utf8.map { isCapital($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    private static func needsIDNA(_ name: String) -> Bool {
        // Two hyphens in a row are rare: only then are the labels looked at one by one.
        var previous: UInt8 = 0
        var hasTwoHyphens = false
        for byte in name.utf8 {
            if byte >= 0x80 { return true }
            if byte == UInt8(ascii: "-"), previous == byte { hasTwoHyphens = true }
            previous = byte
        }
        return hasTwoHyphens && containsALabel(name)
    }

    private static func containsALabel(_ name: String) -> Bool {
        name.split(separator: ".").contains { $0.hasPrefix("xn--") }
    }

    /// The rules of a host name, on ASCII text.
    static func check(_ bytes: some Collection<UInt8>) throws(Malformed) {
        guard bytes.count <= maximumBytes else { throw .tooLong }
        var labels = 1
        var length = 0
        var numeric = true
        var previous = UInt8(ascii: ".")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "."):
                try checkEnd(of: length, last: previous)
                labels += 1
                (length, numeric) = (0, true)
            case UInt8(ascii: "-"):
                guard length > 0 else { throw .hyphenAtEdge }
                (length, numeric) = (length + 1, false)
            case UInt8(ascii: "a")...UInt8(ascii: "z"):
                (length, numeric) = (length + 1, false)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                length += 1
            default:
                throw .forbiddenCharacter
            }
            previous = byte
        }
        try checkEnd(of: length, last: previous)
        guard labels >= 2 else { throw .tooFewLabels }
        guard !numeric else { throw .numericLastLabel }
    }

    private static func checkEnd(of length: Int, last: UInt8) throws(Malformed) {
        guard length > 0 else { throw .emptyLabel }
        guard length <= maximumLabelBytes else { throw .labelTooLong }
        guard last != UInt8(ascii: "-") else { throw .hyphenAtEdge }
    }
}

extension FQDN {
    /// The rule that a malformed name breaks first.
    public enum Malformed: String, Error, Sendable, CaseIterable {
        case empty
        case tooLong
        case emptyLabel
        case labelTooLong
        case tooFewLabels
        case numericLastLabel
        case forbiddenCharacter
        case hyphenAtEdge
        case notIDNA2008
        case notComposed
        case capitalLetter
        case compatibilityForm
        /// Of beginnings and pieces of names only.
        case partOutsideASCII
        /// Of pieces of names only.
        case pieceTooShort
        /// Of registrations only: such a name may be there from before.
        case reservedHyphens
        /// Of registrations only: the operator allows less than a name may have.
        case longerThanAllowed

        /// A sentence for people.
        public var explanation: String {
            switch self {
            case .empty: "a name has at least two labels; this one is empty"
            case .tooLong: "a name has at most 253 bytes"
            case .emptyLabel: "a label has at least one byte; two dots stand side by side"
            case .labelTooLong: "a label has at most 63 bytes"
            case .tooFewLabels: "a name has at least two labels"
            case .numericLastLabel: "the last label can't be a number"
            case .forbiddenCharacter: "a label holds letters, digits and hyphens only"
            case .hyphenAtEdge: "a label neither begins nor ends with a hyphen"
            case .notIDNA2008:
                "a label outside ASCII must be valid in IDNA2008, and its A-label equal both ways"
            case .notComposed:
                "a letter and its accent stand as two characters; write them as one (Unicode normal form C)"
            case .capitalLetter:
                "capital letters outside ASCII can't be in a name; write them in lower case"
            case .compatibilityForm:
                "full-width forms, ligatures and the like can't be in a name; write the plain characters"
            case .partOutsideASCII:
                "the beginning or a piece of a name is ASCII: a label outside it begins with xn--"
            case .pieceTooShort: "a piece of a name has at least 2 bytes"
            case .longerThanAllowed: "the name has more bytes than this registry allows"
            case .reservedHyphens:
                "a label has hyphens in both its third and fourth place only where it begins with xn--"
            }
        }
    }
}

extension FQDN: Comparable, CustomStringConvertible {
    /// Order of bytes, the order in which the store and every export sort names.
    public static func < (left: FQDN, right: FQDN) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    public var description: String { text }
}

extension FQDN: Codable {
    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
