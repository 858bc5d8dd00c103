import Logging
import PrometheusMetrics

/// Where the lines of a service's log go: JSON on standard error, through a buffer, so that nobody who
/// serves requests waits for whoever reads them.
enum ServiceLog {
    /// Once in a process, after the metrics' own bootstrap: what is dropped is counted there.
    static func start() -> LogRing {
        let ring = LogRing(descriptor: 2)
        LoggingSystem.bootstrap { label in
            JSONLogHandler(label: label) { ring.append($0, $1) }
        }
        return ring
    }
}
