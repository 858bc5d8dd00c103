import Crypto
import Foundation
import RegistryModel

/// A token as its owner holds it: `trk_<id>_<secret>`.
///
/// The secret is 256 bits from the system's random source, in hexadecimal; the registry keeps its
/// SHA-256 only. A slow hash isn't needed: there is nothing to guess in 256 random bits.
public struct TokenSecret: Sendable {
    public let id: String
    private let secret: String

    public static func random() -> TokenSecret {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        let id = String((0..<12).map { _ in alphabet[Int.random(in: 0..<32)] })
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { key in
            key.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        return TokenSecret(id: id, secret: secret)
    }

    /// `nil`: the text hasn't the form of a token.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard bytes.starts(with: "trk_".utf8), bytes.count <= 256 else { return nil }
        let rest = bytes.dropFirst(4)
        guard let mark = rest.firstIndex(of: UInt8(ascii: "_")), mark != rest.startIndex else {
            return nil
        }
        let secret = rest[rest.index(after: mark)...]
        guard !secret.isEmpty else { return nil }
        self.init(
            id: String(decoding: rest[..<mark], as: UTF8.self),
            secret: String(decoding: secret, as: UTF8.self))
    }

    private init(id: String, secret: String) {
        self.id = id
        self.secret = secret
    }

    /// The whole token. Shown once.
    public var text: String { "trk_\(id)_\(secret)" }

    /// SHA-256 of the secret's text, 32 bytes.
    public var digest: [UInt8] { Array(SHA256.hash(data: Data(secret.utf8))) }

    /// Compares in constant time.
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { ConstantTime.equal(left, $0) } }
    }
}
