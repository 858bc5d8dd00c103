/// Bytes as `%XX` (RFC 3986 §2.1), in targets, links and queries.
package enum PercentCoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// One byte, escaped.
    package static func escape(_ byte: UInt8) -> [UInt8] {
        [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// One segment of a path or one value of a query: RFC 3986's unreserved characters stay.
    package static func component(_ text: String) -> String {
        escaping(text) { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }

    /// A target that was sent, for a `Link` field: bytes that no URL holds as they are are escaped, and
    /// the marks that would end it there.
    package static func link(_ target: String) -> String {
        escaping(target) { $0 > 0x20 && $0 < 0x7F && !"<>\"".utf8.contains($0) }
    }

    private static func escaping(_ text: String, except isPlain: (UInt8) -> Bool) -> String {
        String(decoding: text.utf8.flatMap { isPlain($0) ? [$0] : escape($0) }, as: UTF8.self)
    }

    /// - Returns: nil where `text` isn't percent-encoded UTF-8, and for a NUL: SQLite's text ends
    ///   there, so that a name with one would be taken for what stands before it.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
        guard
            text.utf8.contains(where: {
                $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") || $0 >= 0x80
            })
        else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal),
                    let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
