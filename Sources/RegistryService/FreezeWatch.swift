import Logging
import Metrics
import RegistryModel
import ServiceLifecycle

/// Looks how far frozen waves are on the way to their deadlines: their customers can't write, and whoever froze them may
/// have gone.
///
/// Every node says the same, whoever has the duty of ending freezes.
public struct FreezeWatch: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger
    private let frozen = Gauge(label: "registry_frozen_waves")
    private let spent = Gauge(label: "registry_freeze_spent_ratio")

    public init(
        _ service: RegistryService, every interval: Duration = .seconds(5), logger: Logger
    ) {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        await repeatUntilShutdown(every: interval, restsFirst: false) { await look() }
    }

    func look() async {
        do {
            let shares = try await shares()
            frozen.record(shares.count)
            spent.record(shares.max() ?? 0)
        } catch {
            logger.debug("frozen waves can't be read now", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: for each frozen wave the share of its time that is over, by the store's clock; 1 is its deadline.
    func shares() async throws(RegistryError) -> [Double] {
        guard service.state.openMigrations > 0 else { return [] }
        let now = try await service.store.clocks().now
        var shares: [Double] = []
        var query = MigrationQuery(state: .running)
        while true {
            let page = try await service.store.migrations(query).value
            for wave in page.items.flatMap(\.waves) where wave.state == .frozen {
                if let share = try await share(of: wave, at: now) { shares.append(share) }
            }
            guard page.hasMore, let last = page.items.last else { return shares }
            query.after = last.id
        }
    }

    /// Nil: the wave has been thawed or moved meanwhile.
    private func share(of wave: Wave, at now: Timestamp) async throws(RegistryError) -> Double? {
        guard let deadline = wave.deadline, let revision = wave.revision else { return nil }
        // The wave's last step is the freeze.
        let step = try await service.store.history(
            HistoryQuery(
                afterRevision: Revision(revision.number - 1), through: revision, limit: 1))
        guard let frozenAt = step.value.items.first?.header.at else { return nil }
        let whole = deadline.since(frozenAt)
        guard whole > .zero else { return 1 }
        return min(1, max(0, now.since(frozenAt) / whole))
    }
}
