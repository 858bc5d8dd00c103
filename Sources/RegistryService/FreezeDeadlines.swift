import Logging
import RegistryModel
import ServiceLifecycle

/// Thaws frozen waves at their deadline.
///
/// The deadlines are the store's: they run on while the service is down, and whatever came due
/// meanwhile thaws at the next start. The store is asked again and again rather than an alarm set:
/// a freeze may have been another node's, and the clock may be set. Of several nodes one does it.
public struct FreezeDeadlines: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: a wave thaws at most about this long after its deadline.
    public init(
        _ service: RegistryService, every interval: Duration = .milliseconds(500), logger: Logger
    ) {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                await once()
                try await Task.sleep(for: interval)
            }
        }
    }

    func once() async {
        guard service.isOnDuty else { return }
        do throws(RegistryError) {
            for wave in try await service.store.wavesDue() { await thaw(wave) }
        } catch {
            logger.warning("looking for frozen waves was put off", metadata: ["error": "\(error)"])
        }
    }

    /// One that fails doesn't hold up the others: it is tried again the next time.
    private func thaw(_ wave: WaveName) async {
        let step = WaveStep(.thawWhenDue, migration: wave.migration, wave: wave.number)
        let context = WriteContext(
            actor: .system, note: Note(reason: "the freeze came to its deadline"),
            requestID: "deadline")
        var metadata: Logger.Metadata = [
            "migration": "\(wave.migration)", "wave": "\(wave.number)",
        ]
        do throws(RegistryError) {
            let committed = try await service.commit(.waveStep(step), context)
            metadata["revision"] = "\(committed.revision)"
            logger.notice("a wave thawed at its deadline", metadata: metadata)
        } catch .wrongWaveState {
            // Somebody was quicker: it moved or thawed in time.
        } catch {
            metadata["error"] = "\(error)"
            logger.warning("a wave can't thaw at its deadline", metadata: metadata)
        }
    }
}
