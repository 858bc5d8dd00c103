import AsyncWaiting
import Logging
import RegistryAPI
import RegistryClient
import RegistryModel
import RoutingTable
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
        /// Of the last lease; nil: the registry gives none.
        var leaseLength: Duration?
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
    /// Nil: this agent can't fence itself.
    private let lease: TableLease?
    /// Of this process, and of no other: leases are given to it.
    private let runID = String(UInt64.random(in: 0 ... .max), radix: 36)

    /// - Parameter settle: how long a report waits after a revision has been applied, for requests that a
    ///   proxy had sent on their way before.
    init(
        _ client: RegistryClient, as name: String, settle: Duration,
        retryingAfter backoff: Duration = .milliseconds(50), lease: TableLease? = nil,
        logger: Logger,
        refused: @escaping @Sendable (Refusal?) -> Void = { _ in }
    ) {
        self.client = client
        self.name = name
        self.settle = settle
        self.backoff = backoff
        self.lease = lease
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
                    let sent = lease?.now ?? 0
                    let answer = try await client.report(
                        position, as: name, fences: lease == nil ? nil : runID)
                    if let position { renew(answer, of: position.epoch, sent: sent) }
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

    private func renew(_ answer: ReportResponse, of epoch: Epoch, sent: UInt64) {
        guard let lease, let length = answer.fenceAfter else { return }
        lease.renew(FenceLease(head: answer.head, length: length), of: epoch, sent: sent)
        shared.state.withLock { $0.leaseLength = length }
    }

    /// Reports often enough that one that is lost doesn't end the lease.
    func keepLease() async {
        guard lease != nil else { return }
        while true {
            let length = shared.state.withLock(\.leaseLength) ?? Self.longestSilence * 4
            let wait = min(length / 4, Self.longestSilence)
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            if shared.state.withLock({ $0.leaseLength != nil }) { beat() }
        }
    }

    private static let longestSilence = Duration.seconds(10)

    /// Says the same again, so that the registry knows that this agent is alive.
    func beat() { wakeup.wake() }

    func run() async {
        for await _ in wakeup {
            let (position, isNew) = next()
            if isNew, settle > .zero {
                // What was said before is still so, and the lease doesn't wait for this.
                if lease != nil, let sent = shared.state.withLock(\.sent) { await send(sent) }
                try? await Task.sleep(for: settle)
            }
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
