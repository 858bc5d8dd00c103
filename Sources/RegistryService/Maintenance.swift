import Logging
import RegistryModel
import ServiceLifecycle

/// What has to be done now and then: tell the store when tokens were last used and what agents have
/// reported, and let it forget idempotency keys older than their 24 hours.
public struct Maintenance: Service {
    private let service: RegistryService
    private let interval: Duration
    private let rest: @Sendable (Duration) async throws -> Void
    private let logger: Logger

    /// Rows in one transaction: a write that comes meanwhile waits some milliseconds for it.
    static let rowsAtOnce = 500
    /// How long the store is left alone after a transaction, in terms of the time that it took: three
    /// quarters of the time belong to whoever writes, and still a million keys are gone within a minute
    /// or two.
    private static let restShare = 3

    /// - Parameter rest: throws where the task is cancelled.
    public init(
        _ service: RegistryService, every interval: Duration = .seconds(30),
        rest: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        },
        logger: Logger
    ) {
        self.service = service
        self.interval = interval
        self.rest = rest
        self.logger = logger
    }

    public func run() async throws {
        await repeatUntilShutdown(every: interval, restsFirst: true) { await once() }
        // What is old can wait for the next start; what only this node knows can't.
        await save()
    }

    func once() async {
        await save()
        await forgetKeys()
    }

    private func save() async {
        let uses = service.state.tokens.takeUses()
        var unsaved = uses.map { ($0.key, $0.value) }
        do {
            while !unsaved.isEmpty {
                let some = Dictionary(uniqueKeysWithValues: unsaved.prefix(Self.rowsAtOnce))
                try await service.store.note(tokenUses: some)
                unsaved.removeFirst(some.count)
            }
        } catch {
            service.state.tokens.keep(Dictionary(uniqueKeysWithValues: unsaved))
            logger.warning(
                "noting when tokens were used was put off", metadata: ["error": "\(error)"])
        }
        do {
            try await service.saveAgents()
            try await service.forgetAgents()
        } catch {
            logger.warning("writing down agents was put off", metadata: ["error": "\(error)"])
        }
    }

    /// As many as are too old, however many: each few in a transaction of their own, with a rest after it
    /// in which others write.
    private func forgetKeys() async {
        do {
            while true {
                let started = ContinuousClock.now
                let count = try await service.store.forgetKeys(atMost: Self.rowsAtOnce)
                guard count == Self.rowsAtOnce else { return }
                try await rest(started.duration(to: .now) * Self.restShare)
            }
        } catch is CancellationError {
            // The service stops.
        } catch {
            logger.warning("forgetting old keys was put off", metadata: ["error": "\(error)"])
        }
    }
}
