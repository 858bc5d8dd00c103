/// Finds secrets that nobody should have logged. A last line of defence, not a licence.
///
/// Secret are the values of the keys `authorization`, `password`, `secret` and `token_secret`, in
/// any case and at any depth; what follows `Bearer ` at the start of a metadata value; and in every string the last
/// part of `trk_<id>_<secret>`.
enum Redaction {
    enum Kind {
        /// A message or a key. `Bearer ` may be prose there.
        case text
        case value
    }

    /// Stands where a secret stood.
    static let mark = "***"

    static func isSecret(key: String) -> Bool {
        // The length first: hardly any key needs a second look.
        secretKeys.contains { $0.utf8.count == key.utf8.count && $0 == key.lowercased() }
    }

    /// The place of the next secret, which begins and ends between characters.
    static func nextSecret(
        in utf8: UnsafeBufferPointer<UInt8>, from start: Int, _ kind: Kind
    ) -> Range<Int>? {
        if kind == .value, start == 0, hasBearerPrefix(utf8) { return bearer.count..<utf8.count }
        var index = start
        while index + token.count < utf8.count {
            if matches(utf8, token, at: index), let secret = secretOfToken(in: utf8, at: index) {
                return secret
            }
            index += 1
        }
        return nil
    }

    private static let secretKeys = ["authorization", "password", "secret", "token_secret"]
    private static let token = Array("trk_".utf8)
    private static let bearer = Array("bearer ".utf8)
    private static let underscore = UInt8(ascii: "_")

    private static func secretOfToken(
        in utf8: UnsafeBufferPointer<UInt8>, at start: Int
    ) -> Range<Int>? {
        var index = start + token.count
        while index < utf8.count, utf8[index] != underscore, !endsToken(utf8[index]) { index += 1 }
        guard index < utf8.count, utf8[index] == underscore else { return nil }
        let first = index + 1
        index = first
        while index < utf8.count, !endsToken(utf8[index]) { index += 1 }
        return index > first ? first..<index : nil
    }

    /// Whether no token goes past this byte. Takes rather too much for the secret than too little.
    private static func endsToken(_ byte: UInt8) -> Bool {
        switch byte {
        case ...0x20, 0x7F: true
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
            UInt8(ascii: "}"):
            true
        default: false
        }
    }

    private static func matches(
        _ utf8: UnsafeBufferPointer<UInt8>, _ pattern: [UInt8], at start: Int
    ) -> Bool {
        utf8.count - start >= pattern.count
            && pattern.indices.allSatisfy { utf8[start + $0] == pattern[$0] }
    }

    private static func hasBearerPrefix(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        // 0x20 is the difference between upper and lower case; a space has it already.
        utf8.count > bearer.count && bearer.indices.allSatisfy { utf8[$0] | 0x20 == bearer[$0] }
    }
}
