/// A SHA-256 as people and programs pass it on: `sha256:` and 64 hexadecimal digits.
public enum DigestText {
    private static let prefix = "sha256:"

    /// - Parameter digest: 32 bytes.
    public static func text(_ digest: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return prefix + String(decoding: hex, as: UTF8.self)
    }

    /// - Parameter text: with the prefix or without, digits in any case.
    /// - Returns: 32 bytes; nil for any other text.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let hex = text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
        let digits = hex.utf8.map { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x41 + 10
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        let known = digits.compactMap(\.self)
        guard digits.count == 64, known.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { known[$0] << 4 | known[$0 + 1] }
    }
}
