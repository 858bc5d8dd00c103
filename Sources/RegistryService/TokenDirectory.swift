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
