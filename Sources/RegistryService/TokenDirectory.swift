import RegistryModel
import Synchronization

/// Every access token, in memory: a request is let in without a trip to the store.
public final class TokenDirectory: Sendable {
    private struct State {
        var tokens: [String: TokenRecord] = [:]
        /// Since the store was last told.
        var uses: [String: Timestamp] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    func load(_ tokens: [TokenRecord]) {
        state.withLock { state in
            state.tokens = Dictionary(tokens.map { ($0.id, $0) }) { $1 }
        }
    }

    func apply(_ changed: [TokenRecord]) {
        guard !changed.isEmpty else { return }
        state.withLock { state in
            for token in changed { state.tokens[token.id] = token }
        }
    }

    var isEmpty: Bool { state.withLock(\.tokens.isEmpty) }

    /// The token that this is, where it's genuine and may be used now.
    func authenticate(_ secret: TokenSecret, at now: Timestamp) -> TokenRecord? {
        // The digest is computed for unknown ids too: the time of the answer tells nothing.
        let digest = secret.digest
        return state.withLock { state in
            guard let token = state.tokens[secret.id],
                TokenSecret.equal(digest, token.secretDigest), token.isActive(at: now)
            else { return nil }
            state.uses[secret.id] = now
            return token
        }
    }

    /// When tokens were used since the last call.
    func takeUses() -> [String: Timestamp] {
        state.withLock { state in
            defer { state.uses = [:] }
            return state.uses
        }
    }

    /// Uses that the store hasn't heard of yet, for a listing.
    func recentUse(of id: String) -> Timestamp? {
        state.withLock { $0.uses[id] }
    }

    /// Puts uses back that the store couldn't take.
    func keep(_ uses: [String: Timestamp]) {
        state.withLock { state in state.uses.merge(uses) { max($0, $1) } }
    }
}
