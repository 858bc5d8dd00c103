import Logging
import RegistryModel
import ServiceLifecycle
import Synchronization

/// Looks how far the log's stamps are ahead of the clocks that judge deadlines, quarantines and tokens: this
/// node's own, and the store's where that is another one.
///
/// Nothing goes wrong by it: stamps never go back, and what is to happen goes by the clock. But times in
/// answers are then later than they should be; or the clock is the one that's wrong.
public struct ClockWatch: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger

    /// What a clock may be behind by before somebody is told.
    public static let tolerance = Duration.seconds(5)

    public init(
        _ service: RegistryService, every interval: Duration = .seconds(10), logger: Logger
    ) {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        await repeatUntilShutdown(every: interval, restsFirst: true) { await look() }
    }

    /// Before the first request too: a clock that's wrong at the start is said at the start.
    public func look() async {
        do {
            let clocks = try await service.store.clocks()
            note(clocks, max(clocks.ahead, clocks.stamp.since(service.time)))
        } catch {
            logger.debug("the log's stamp can't be read now", metadata: ["error": "\(error)"])
        }
    }

    private func note(_ clocks: StoreClocks, _ found: Duration) {
        let before = service.aheadOfClock.replace(with: found)
        guard found > Self.tolerance, before <= Self.tolerance else { return }
        logger.warning(
            "the clock is behind the log's last entry: one of them is wrong",
            metadata: [
                "log_ahead_seconds": "\((found / .seconds(1)).rounded())",
                "last_entry": "\(clocks.stamp)", "clock": "\(min(clocks.now, service.time))",
            ])
    }
}

/// How far the log was ahead of the clock when somebody looked last.
final class AheadOfClock: Sendable {
    private let state = Mutex(Duration.zero)

    var value: Duration { state.withLock { $0 } }

    /// - Returns: what it was before.
    func replace(with new: Duration) -> Duration {
        state.withLock { state in
            defer { state = new }
            return state
        }
    }
}

extension RegistryService {
    /// How far the log's stamps were ahead of the clock when `ClockWatch` looked last; zero where they
    /// weren't.
    public var logAhead: Duration { aheadOfClock.value }
}
