import RegistryModel

/// The query of a request target, in order, percent-decoded.
struct Query: Sendable {
    struct Item: Sendable {
        var name: String
        /// `nil`: the text isn't UTF-8, a percent sign begins nothing, or it holds a NUL.
        var value: String?
    }

    let items: [Item]
    /// Parameters that the endpoint has; nil: not known.
    let declared: Set<String>?

    init(target: String, declared: Set<String>? = nil) {
        self.declared = declared
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            items = []
            return
        }
        // A target has no fragment (RFC 9112 §3.2): a number sign is a visitor's, and part of a host
        // that nobody has.
        let text = target[target.index(after: mark)...]
        items = text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Item(
                name: PercentCoding.decode(parts[0], plusIsSpace: true) ?? String(parts[0]),
                value: parts.count == 2 ? PercentCoding.decode(parts[1], plusIsSpace: true) : "")
        }
    }

    func values(_ name: String) -> [String?] {
        items.filter { $0.name == name }.map(\.value)
    }
}

enum PercentCoding {
    /// - Returns: nil where `text` isn't percent-encoded UTF-8, and for a NUL: SQLite's text ends
    ///   there, so that a name with one would be taken for what stands before it.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
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

    /// Bytes that no URL holds as they are, and the marks that would end it in a `Link`, escaped.
    static func visible(_ text: String) -> String {
        let escaped = text.utf8.flatMap { byte -> [UInt8] in
            let isPlain = byte > 0x20 && byte < 0x7F && !"<>\"".utf8.contains(byte)
            guard !isPlain else { return [byte] }
            let digits = Array("0123456789ABCDEF".utf8)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: escaped, as: UTF8.self)
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
