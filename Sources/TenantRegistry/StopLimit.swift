import Dispatch
import Foundation
import Logging

/// Bounds a stop, whatever hangs: a database, a disk, a reload, a client.
///
/// The first SIGTERM or SIGINT asks for an orderly stop, which others see to; this one watches the time. A
/// second one doesn't wait. What is cut off is as after `kill -9`: the next start has every
/// acknowledged write.
final class StopLimit: Sendable {
    /// What a stop may take beyond its requests: closing the store, or writing the table down.
    static let closing = Duration.seconds(5)
    /// The exit code where the time was over.
    private static let overdue: Int32 = 1

    private let limit: Duration
    private let logger: Logger
    private let queue = DispatchQueue(label: "stop-limit")
    /// Touched on the queue only.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []
    private nonisolated(unsafe) var isStopping = false

    /// - Parameter limit: for all of the stop, from the first signal on.
    init(_ limit: Duration, _ logger: Logger) {
        self.limit = limit
        self.logger = logger
        queue.sync {
            sources = [SIGTERM, SIGINT].map { signal in
                let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
                source.setEventHandler { [self] in hear(signal) }
                source.resume()
                return source
            }
        }
    }

    private func hear(_ signal: Int32) {
        guard !isStopping else {
            // As shells say it of a process that a signal ended.
            return end(128 + signal, "a second signal: the stop isn't waited for")
        }
        isStopping = true
        let seconds = limit / .seconds(1)
        queue.asyncAfter(deadline: .now() + seconds) { [self] in
            end(Self.overdue, "the stop took longer than it may, and isn't waited for")
        }
    }

    /// No `atexit`, no destructors: they might wait for what hangs. Nor does it wait for its own words.
    private func end(_ code: Int32, _ why: Logger.Message) {
        Thread.detachNewThread { [logger] in logger.critical(why, metadata: ["code": "\(code)"]) }
        usleep(100_000)
        _exit(code)
    }
}
