import Logging
import RegistryModel
import ServiceLifecycle

/// Writes down for all nodes what agents say to this one: progress at once, many agents in one statement,
/// the rest now and then.
///
/// A write that fails is tried again: until then the agents seem to be behind, or silent.
public struct AgentReports: Service {
    private let shared: SharedAgents
    private let beat: Duration
    private let logger: Logger

    /// Agents make progress at about the same time: how long a write waits for more of them.
    private static let gathering = Duration.milliseconds(10)
    /// After a write for progress, until the next.
    private static let pause = Duration.milliseconds(40)
    /// After a write for progress that failed.
    private static let retry = Duration.milliseconds(500)

    /// nil: the store is one node's own, and nobody else has to know.
    public init?(_ service: RegistryService, logger: Logger) {
        guard let shared = service.shared else { return nil }
        // Well below the lease, so that agents which beat seem silent to nobody.
        self.init(shared, every: min(.seconds(5), service.agents.lease / 10), logger: logger)
    }

    init(_ shared: SharedAgents, every beat: Duration, logger: Logger) {
        self.shared = shared
        self.beat = beat
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await writeProgress() }
                group.addTask { await look() }
            }
        }
        _ = await succeeds { () async throws(RegistryError) in try await shared.save() }
    }

    private func writeProgress() async {
        for await _ in shared.progress {
            guard await pass(Self.gathering) else { return }
            while await !succeeds({ () async throws(RegistryError) in try await shared.save() }) {
                guard await pass(Self.retry) else { return }
            }
            guard await pass(Self.pause) else { return }
        }
    }

    private func look() async {
        while await pass(beat) {
            _ = await succeeds { () async throws(RegistryError) in try await shared.refresh() }
        }
    }

    /// - Returns: false where it's time to stop.
    private func pass(_ duration: Duration) async -> Bool {
        (try? await Task.sleep(for: duration)) != nil
    }

    private func succeeds(_ body: () async throws(RegistryError) -> Void) async -> Bool {
        do throws(RegistryError) {
            try await body()
            return true
        } catch {
            logger.debug("writing down agents was put off", metadata: ["error": "\(error.code)"])
            return false
        }
    }
}
