import AsyncWaiting
import Logging
import RegistryClient
import RegistryModel
import Synchronization

/// Tells the registry what this agent, and whatever reads its files, has applied.
struct Reporter: Sendable {
    private struct State {
        /// What the next report says; nil: that there is an agent, with nothing yet.
        var wanted: Position?
        var sent: Position?
        /// Whether the registry has taken a report.
        var isHeard = false
        /// Whether the registry is one that hears reports only as questions, by the last connection.
        var isOld = false
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let client: RegistryClient
    private let name: String
    private let settle: Duration
    private let backoff: Duration
    /// Told what the registry refuses, nil where it takes a report.
    private let refused: @Sendable (Refusal?) -> Void
    private let logger: Logger
    private let shared = Shared()
    private let wakeup = Wakeup()

    /// - Parameter settle: how long a report waits after a revision has been applied, for requests that a
    ///   proxy had sent on their way before.
    init(
        _ client: RegistryClient, as name: String, settle: Duration,
        retryingAfter backoff: Duration = .milliseconds(50), logger: Logger,
        refused: @escaping @Sendable (Refusal?) -> Void = { _ in }
    ) {
        self.client = client
        self.name = name
        self.settle = settle
        self.backoff = backoff
        self.logger = logger
        self.refused = refused
    }

    /// It may be another registry, or a newer one.
    func reconnected() {
        shared.state.withLock { $0.isOld = false }
    }

    func applied(_ position: Position) {
        shared.state.withLock { $0.wanted = position }
        wakeup.wake()
    }

    /// Says that there is an agent, unless the registry has heard of it. Before it has a table: from its
    /// first answer to a proxy on somebody must wait for it, also where its maps never get to that proxy.
    ///
    /// A registry that has no room for its name knows that there are agents which it doesn't count, and calls
    /// nothing converged meanwhile: the table doesn't hang on that.
    func announce() async throws {
        guard !shared.state.withLock(\.isHeard) else { return }
        do {
            try await report(nil)
            shared.state.withLock { $0.isHeard = true }
        } catch let refusal as Refusal {
            logger.error(
                "the registry doesn't count this agent", metadata: ["error": "\(refusal)"])
        }
    }

    /// - Throws: `Refusal` where there's no room for the name; else what the call throws.
    private func report(_ position: Position?) async throws {
        do {
            if shared.state.withLock(\.isOld) {
                try await client.reportByAsking(position, as: name)
            } else {
                do {
                    try await client.report(position, as: name)
                } catch ClientError.refused(let refusal) where [404, 405].contains(refusal.status) {
                    try await client.reportByAsking(position, as: name)
                    shared.state.withLock { $0.isOld = true }
                }
            }
            refused(nil)
        } catch ClientError.refused(let refusal) where refusal.status == 409 {
            refused(refusal)
            throw refusal
        }
    }

    /// Says the same again, so that the registry knows that this agent is alive.
    func beat() { wakeup.wake() }

    func run() async {
        for await _ in wakeup {
            let (position, isNew) = next()
            if isNew, settle > .zero { try? await Task.sleep(for: settle) }
            guard !Task.isCancelled else { return }
            await send(position)
        }
    }

    private func next() -> (Position?, isNew: Bool) {
        shared.state.withLock { ($0.wanted, $0.wanted != $0.sent) }
    }

    private func send(_ position: Position?) async {
        var wait = backoff
        for attempt in 1...Self.attempts {
            do {
                try await report(position)
                return shared.state.withLock { state in
                    state.sent = position
                    state.isHeard = true
                }
            } catch let refusal as Refusal {
                // Not again at once: the next heartbeat says it again.
                logger.error(
                    "the registry doesn't count this agent", metadata: ["error": "\(refusal)"])
                return
            } catch ClientError.refused(let refusal) where refusal.status == 410 {
                // It was heard; it's the table that has to be another one.
                logger.warning(
                    "the registry hasn't got what was reported",
                    metadata: ["position": "\(position.map(\.description) ?? "none")"])
                return shared.state.withLock { state in
                    state.sent = position
                    state.isHeard = true
                }
            } catch {
                // The next heartbeat says it again.
                logger.log(
                    level: attempt == Self.attempts ? .warning : .debug,
                    "the registry didn't take a report",
                    metadata: [
                        "position": "\(position.map(\.description) ?? "none")", "error": "\(error)",
                    ])
            }
            // Who waits for a wave to converge waits for this.
            guard attempt < Self.attempts, (try? await Task.sleep(for: wait)) != nil else { return }
            wait *= 2
        }
    }

    private static let attempts = 4
}
