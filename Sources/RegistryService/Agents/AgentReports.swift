import Logging
import RegistryModel
import ServiceLifecycle

/// Writes down for all nodes what agents say to this one: progress at once, many agents in one statement,
/// the rest now and then.
///
/// A write that fails is tried again with the next one: until then the agents seem to be behind, or
/// silent.
public struct AgentReports: Service {
    private let shared: SharedAgents
    private let beat: Duration
    private let logger: Logger

    /// Agents make progress at about the same time: how long a write waits for more of them.
    private static let gathering = Duration.milliseconds(10)
    /// After a write for progress, until the next.
    private static let pause = Duration.milliseconds(40)

    /// nil: the store is one node's own, and nobody else has to know.
    public init?(_ service: RegistryService, logger: Logger) {
        guard let shared = service.shared else { return nil }
        self.shared = shared
        // Well below the lease, so that agents which beat seem silent to nobody.
        beat = min(.seconds(5), service.agents.lease / 10)
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await writeProgress() }
                group.addTask { await look() }
            }
        }
        await noting { () async throws(RegistryError) in try await shared.save() }
    }

    private func writeProgress() async {
        for await _ in shared.progress {
            guard (try? await Task.sleep(for: Self.gathering)) != nil else { return }
            await noting { () async throws(RegistryError) in try await shared.save() }
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
        }
    }

    private func look() async {
        while (try? await Task.sleep(for: beat)) != nil {
            await noting { () async throws(RegistryError) in try await shared.refresh() }
        }
    }

    private func noting(_ body: () async throws(RegistryError) -> Void) async {
        do throws(RegistryError) {
            try await body()
        } catch {
            logger.debug("writing down agents was put off", metadata: ["error": "\(error.code)"])
        }
    }
}
