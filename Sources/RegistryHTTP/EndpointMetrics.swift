import Metrics
import RegistryModel
import Synchronization

/// Requests of one endpoint by status: a counter and durations.
final class EndpointMetrics: Sendable {
    private let method: String
    private let route: String
    private let byStatus = Mutex<[Int: StatusMetrics]>([:])

    init(method: String, route: String) {
        self.method = method
        self.route = route
    }

    func record(status: Int, _ duration: Duration) {
        let metrics = self.status(status)
        metrics.requests.increment()
        metrics.durations.record(duration: duration)
    }

    /// To keep, for who answers often: finding it takes a lock.
    func status(_ status: Int) -> StatusMetrics {
        byStatus.withLock { byStatus in
            if let known = byStatus[status] { return known }
            let new = StatusMetrics([
                ("method", method), ("route", route), ("status", String(status)),
            ])
            byStatus[status] = new
            return new
        }
    }
}

/// Requests with one status.
struct StatusMetrics: Sendable {
    let requests: Counter
    let durations: Timer

    init(_ dimensions: [(String, String)]) {
        requests = Counter(label: "http_requests_total", dimensions: dimensions)
        durations = Timer(label: "http_request_duration_seconds", dimensions: dimensions)
    }
}

/// Lookups by what came of them.
struct LookupMetrics: Sendable {
    let found = Counter(label: "registry_lookups_total", dimensions: [("outcome", "found")])
    let unknown = Counter(label: "registry_lookups_total", dimensions: [("outcome", "unknown")])
    let malformed = Counter(label: "registry_lookups_total", dimensions: [("outcome", "malformed")])

    func count(_ refusal: RegistryError) {
        switch refusal {
        case .malformedName: malformed.increment()
        case .unknownDomain: unknown.increment()
        default: break
        }
    }
}
