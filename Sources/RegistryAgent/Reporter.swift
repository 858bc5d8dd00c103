import Logging
import RegistryClient
import RegistryModel
import Synchronization

/// Tells the registry what this agent, and whatever reads its files, has applied.
struct Reporter: Sendable {
    private struct State {
        /// What the next report says.
        var wanted: Position?
        var sent: Position?
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let client: RegistryClient
    private let name: String
    private let settle: Duration
    private let backoff: Duration
    private let logger: Logger
    private let shared = Shared()
    private let wakeup = Wakeup()

    /// - Parameter settle: how long a report waits after a revision has been applied, for requests that a
    ///   proxy had sent on their way before.
    init(
        _ client: RegistryClient, as name: String, settle: Duration,
        retryingAfter backoff: Duration = .milliseconds(50), logger: Logger
    ) {
        self.client = client
        self.name = name
        self.settle = settle
        self.backoff = backoff
        self.logger = logger
    }

    func applied(_ position: Position) {
        shared.state.withLock { $0.wanted = position }
        wakeup.wake()
    }

    /// Says the same again, so that the registry knows that this agent is alive.
    func beat() { wakeup.wake() }

    func run() async {
        for await _ in wakeup.stream {
            guard let (position, isNew) = next() else { continue }
            if isNew, settle > .zero { try? await Task.sleep(for: settle) }
            guard !Task.isCancelled else { return }
            await send(position)
        }
    }

    private func next() -> (Position, isNew: Bool)? {
        shared.state.withLock { state in state.wanted.map { ($0, $0 != state.sent) } }
    }

    private func send(_ position: Position) async {
        var wait = backoff
        for attempt in 1...Self.attempts {
            do {
                try await client.report(position, as: name)
                return shared.state.withLock { $0.sent = position }
            } catch {
                // The next heartbeat says it again.
                logger.log(
                    level: attempt == Self.attempts ? .warning : .debug,
                    "the registry didn't take a report",
                    metadata: ["position": "\(position)", "error": "\(error)"])
            }
            // Who waits for a wave to converge waits for this.
            guard attempt < Self.attempts, (try? await Task.sleep(for: wait)) != nil else { return }
            wait *= 2
        }
    }

    private static let attempts = 4
}
