import Crypto
import Foundation
import RegistryModel

/// Who sends a request.
public enum Caller: Sendable {
    case token(TokenRecord)
    case anonymous

    public var actor: Actor {
        switch self {
        case .token(let token): Actor(token: token.id, name: token.name, role: token.role)
        case .anonymous: .anonymous
        }
    }
}

extension LookupService {
    /// The token that `text` is, where it's genuine, not revoked and not expired.
    public func authenticate(_ text: some StringProtocol) -> TokenRecord? {
        TokenSecret(text).flatMap { state.tokens.authenticate($0, at: now())?.record }
    }

    /// Whether a caller who was let in would be let in now: for answers that have no end.
    public func isStillGood(_ caller: Caller) -> Bool {
        guard case .token(let token) = caller else { return true }
        return state.tokens.isActive(token.id, at: now())
    }
}

extension RegistryService {
    /// Makes a token.
    /// - Returns: the secret, which is nowhere else: who asked is its only keeper.
    public func createToken(
        name: String, role: Role, expiresAt: Timestamp?, _ context: WriteContext
    ) async throws(RegistryError) -> (Committed, TokenSecret) {
        let secret = TokenSecret.random()
        let record = TokenRecord(
            id: secret.id, name: name, role: role, secretDigest: secret.digest, createdAt: now(),
            expiresAt: expiresAt)
        return (try await commit(.createToken(record), context), secret)
    }

    public func revokeToken(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.revokeToken(id: id), context)
    }

    public func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        var read = try await store.tokens(after: after, limit: limit)
        let now = now()
        for index in read.value.items.indices {
            let recent = state.tokens.recentUse(of: read.value.items[index].id)
            let stored = read.value.items[index].lastUsedAt
            // A use that's later than now is of a clock that ran ahead.
            read.value.items[index].lastUsedAt = [recent, stored].compactMap(\.self).max()
                .map { min($0, now) }
        }
        return read
    }

    /// Makes the first admin token of an empty store.
    ///
    /// - Parameter keep: puts the token where the operator finds it, durably. It comes before the
    ///   commit: a crash in between leaves a store without tokens, and the next start tries again.
    /// - Returns: whether a token was made.
    public func makeFirstToken(
        keep: (TokenSecret) throws -> Void
    ) async throws -> Bool {
        guard state.tokens.isEmpty else { return false }
        let secret = TokenSecret.random()
        try keep(secret)
        let record = TokenRecord(
            id: secret.id, name: "first-admin", role: .admin, secretDigest: secret.digest,
            createdAt: now())
        // Of several nodes that start together on one empty store, one makes it.
        let key = IdempotencyKey(
            token: Actor.system.token, key: "first-admin",
            requestDigest: Array(repeating: 0, count: 32))
        let committed = try await commit(
            .createToken(record),
            WriteContext(
                actor: .system, note: Note(reason: "first start on an empty store"),
                requestID: "start", idempotency: key))
        return !committed.isReplay
    }
}

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

/// Comparisons whose time tells nothing about what they compare.
public enum ConstantTime {
    /// In a time that depends on the lengths alone.
    public static func equal(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt64 = 0
        var place = 0
        while left.count &- place >= 8 {
            difference |=
                left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            place &+= 8
        }
        while place < left.count {
            difference |= UInt64(left[place] ^ right[place])
            place &+= 1
        }
        return difference == 0
    }
}
