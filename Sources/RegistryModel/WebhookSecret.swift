/// A key of 24 to 64 bytes with which deliveries are signed, as Standard Webhooks writes it: `whsec_` and base64.
///
/// The registry has to keep it as it is, unlike a token: who signs needs the key.
public struct WebhookSecret: Hashable, Sendable {
    public static let prefix = "whsec_"
    public static let sizes = 24...64
    /// Characters of the longest one.
    public static let maximumLength = 100

    /// With its prefix.
    public let text: String
    public let bytes: [UInt8]

    /// `nil`: not such a text. One key has one text, which ends with the padding that base64 asks for.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumLength, text.hasPrefix(Self.prefix),
            let bytes = Base64.bytes(Array(text.utf8.dropFirst(Self.prefix.utf8.count)))
        else { return nil }
        self.init(bytes)
        guard self.text == text, Self.sizes.contains(bytes.count) else { return nil }
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        text = Self.prefix + Base64.text(bytes)
    }

    /// 256 bits from the system's random source.
    public static func random() -> WebhookSecret {
        var source = SystemRandomNumberGenerator()
        return WebhookSecret((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }
}

/// RFC 4648 §4. Here, because the model may ask nobody else for it.
package enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(
                    place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: nil where a character isn't one of base64, or they aren't whole groups.
    package static func bytes(_ text: [UInt8]) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let digits = text.prefix { $0 != padding }
        let missing = text.count - digits.count
        guard missing <= 2, text.suffix(missing).allSatisfy({ $0 == padding }) else { return nil }
        var (bytes, bits, width): ([UInt8], Int, Int) = ([], 0, 0)
        for digit in digits {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            (bits, width) = (bits << 6 | value, width + 6)
            guard width >= 8 else { continue }
            width -= 8
            bytes.append(UInt8(bits >> width & 0xFF))
            bits &= 1 << width - 1
        }
        return bytes
    }
}
