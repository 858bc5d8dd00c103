import Logging
import Metrics
import RegistryModel
import ServiceLifecycle

/// Checks the store in the background, now and then, so that damage is found by somebody who can still mend it.
///
/// Of several nodes on one database the one on duty does it: each would find the same. The first check comes soon after the
/// start, or a service that is started anew each day would never be checked.
public struct VerificationSchedule: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger

    /// How long a start is left alone.
    static let firstAfter = Duration.seconds(600)
    /// Before it's tried again where somebody else checks, or the store can't be read.
    static let retryAfter = Duration.seconds(60)

    /// - Parameter interval: from the end of one check to the beginning of the next.
    public init(_ service: RegistryService, every interval: Duration, logger: Logger) {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    /// Also where nothing is scheduled, so that a rule can watch it.
    public static func note(_ interval: Duration?) {
        Gauge(label: "registry_verification_interval_seconds").record(
            interval.map { $0 / .seconds(1) } ?? 0)
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await Task.sleep(for: min(interval, Self.firstAfter))
            while true {
                let isDone = await once()
                try await Task.sleep(for: isDone ? interval : min(interval, Self.retryAfter))
            }
        }
    }

    /// - Returns: whether the next one is due after the whole interval.
    func once() async -> Bool {
        // Whoever takes over the duty meanwhile does it soon enough.
        guard service.isOnDuty else { return false }
        do {
            let found = try await service.verify(nil, pace: .background)
            if found.isGood {
                logger.info("the store is verified", metadata: ["revision": "\(found.revision)"])
            } else {
                logger.error(
                    "the store doesn't fit its log",
                    metadata: ["revision": "\(found.revision)", "flaws": "\(found.what)"])
            }
            return true
        } catch {
            logger.notice("verifying was put off", metadata: ["error": "\(error)"])
            return false
        }
    }
}
