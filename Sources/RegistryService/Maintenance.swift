import Logging
import RegistryModel
import ServiceLifecycle

/// What has to be done now and then: tell the store when tokens were last used and what agents have
/// reported, and let it forget idempotency keys older than their 24 hours.
public struct Maintenance: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger

    public init(_ service: RegistryService, every interval: Duration = .seconds(30), logger: Logger)
    {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: interval)
                await once()
            }
        }
        await once()
    }

    func once() async {
        let uses = service.state.tokens.takeUses()
        do {
            try await service.store.maintain(tokenUses: uses)
        } catch {
            service.state.tokens.keep(uses)
            logger.warning("maintenance was put off", metadata: ["error": "\(error)"])
        }
        do {
            try await service.saveAgents()
        } catch {
            logger.warning("writing down agents was put off", metadata: ["error": "\(error)"])
        }
    }
}
