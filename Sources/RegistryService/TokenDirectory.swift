import RegistryModel
import Synchronization

/// Every access token, in memory: a request is let in without a trip to the store.
public final class TokenDirectory: Sendable {
    private let tokens = Mutex<[String: KnownToken]>([:])
    private let changes = Atomic<UInt64>(0)

    public init() {}

    /// Another number after each change of any token.
    var generation: UInt64 { changes.load(ordering: .acquiring) }

    func load(_ records: [TokenRecord]) {
        tokens.withLock { tokens in
            tokens = Dictionary(records.map { ($0.id, KnownToken($0)) }) { $1 }
        }
        changes.add(1, ordering: .releasing)
    }

    func apply(_ changed: [TokenRecord]) {
        guard !changed.isEmpty else { return }
        tokens.withLock { tokens in
            for record in changed {
                tokens[record.id] = KnownToken(record, usedLike: tokens[record.id])
            }
        }
        changes.add(1, ordering: .releasing)
    }

    var isEmpty: Bool { tokens.withLock(\.isEmpty) }

    /// The token that this is, where it's genuine and may be used now.
    func authenticate(_ secret: TokenSecret, at now: Timestamp) -> KnownToken? {
        // The digest is computed for unknown ids too: the time of the answer tells nothing.
        let digest = secret.digest
        guard let token = tokens.withLock({ $0[secret.id] }),
            TokenSecret.equal(digest, token.record.secretDigest), token.record.isActive(at: now)
        else { return nil }
        token.note(useAt: now)
        return token
    }

    /// Whether a token that was let in may still be used.
    func isActive(_ id: String, at now: Timestamp) -> Bool {
        tokens.withLock { $0[id] }?.record.isActive(at: now) ?? false
    }

    /// When tokens were used since the last call.
    func takeUses() -> [String: Timestamp] {
        tokens.withLock { $0.compactMapValues { $0.takeUse() } }
    }

    /// Uses that the store hasn't heard of yet, for a listing.
    func recentUse(of id: String) -> Timestamp? {
        tokens.withLock { $0[id]?.recentUse }
    }

    /// Puts uses back that the store couldn't take.
    func keep(_ uses: [String: Timestamp]) {
        tokens.withLock { tokens in
            for (id, time) in uses { tokens[id]?.keep(useAt: time) }
        }
    }
}

/// A token as a node keeps it, with the use that the store hasn't heard of yet.
public final class KnownToken: Sendable {
    public let record: TokenRecord
    /// Milliseconds since 1970.
    private let lastUse: Atomic<Int64>
    private static let never = Int64.min

    init(_ record: TokenRecord, usedLike earlier: KnownToken? = nil) {
        self.record = record
        lastUse = Atomic(earlier?.lastUse.load(ordering: .relaxed) ?? Self.never)
    }

    var recentUse: Timestamp? { Self.time(lastUse.load(ordering: .relaxed)) }

    func note(useAt now: Timestamp) {
        // Looked at first: of a thousand uses in a millisecond one writes. A later one than now is of a
        // clock that ran ahead, or of a thread that was some milliseconds quicker.
        let last = lastUse.load(ordering: .relaxed)
        guard last < now.milliseconds || last > now.milliseconds &+ 1000 else { return }
        lastUse.store(now.milliseconds, ordering: .relaxed)
    }

    /// Puts a use back that was taken. One that has come since is the later one.
    func keep(useAt time: Timestamp) {
        _ = lastUse.compareExchange(
            expected: Self.never, desired: time.milliseconds, ordering: .relaxed)
    }

    func takeUse() -> Timestamp? {
        Self.time(lastUse.exchange(Self.never, ordering: .relaxed))
    }

    private static func time(_ milliseconds: Int64) -> Timestamp? {
        milliseconds == never ? nil : Timestamp(milliseconds: milliseconds)
    }
}

/// What a connection showed last to prove who it is: whoever sends the same again, as proxies do on
/// each request, needs no digest of it.
///
/// It stands for nothing by itself: any change of any token makes it worthless, and expiry is looked
/// at each time.
public struct TokenMemo {
    fileprivate var bytes: [UInt8] = []
    fileprivate var token: KnownToken?
    fileprivate var generation: UInt64 = 0

    public init() {}
}

extension LookupService {
    /// The token of the memo, where it's still good.
    public func recall(_ memo: TokenMemo) -> KnownToken? {
        guard let token = memo.token, memo.generation == state.tokens.generation else { return nil }
        let now = now()
        guard token.record.isActive(at: now) else { return nil }
        token.note(useAt: now)
        return token
    }

    /// The same, where `bytes` are those that the memo is of.
    public func recall(_ memo: TokenMemo, as bytes: UnsafeRawBufferPointer) -> KnownToken? {
        let isSame = memo.bytes.withUnsafeBytes { ConstantTime.equal($0, bytes) }
        return isSame ? recall(memo) : nil
    }

    /// Like `authenticate`, and keeps the answer for `recall`.
    ///
    /// - Parameter bytes: where `text` was found.
    public func authenticate(
        _ text: some StringProtocol, sentAs bytes: UnsafeRawBufferPointer, _ memo: inout TokenMemo
    ) -> KnownToken? {
        // Before the token is looked at: a change in between must not go unnoticed.
        let generation = state.tokens.generation
        memo.token = TokenSecret(text).flatMap { state.tokens.authenticate($0, at: now()) }
        memo.bytes = memo.token == nil ? [] : Array(bytes)
        memo.generation = generation
        return memo.token
    }
}
