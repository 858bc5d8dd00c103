import Metrics
import RegistryModel
import Synchronization

/// Requests of one endpoint by status: a counter and durations.
final class EndpointMetrics: Sendable {
    private struct Handlers {
        var requests: Counter
        var durations: Timer
    }

    private let method: String
    private let route: String
    private let byStatus = Mutex<[Int: Handlers]>([:])

    init(method: String, route: String) {
        self.method = method
        self.route = route
    }

    func record(status: Int, _ duration: Duration) {
        let handlers = byStatus.withLock { handlers in
            if let known = handlers[status] { return known }
            let dimensions = [("method", method), ("route", route), ("status", String(status))]
            let new = Handlers(
                requests: Counter(label: "http_requests_total", dimensions: dimensions),
                durations: Timer(label: "http_request_duration_seconds", dimensions: dimensions))
            handlers[status] = new
            return new
        }
        handlers.requests.increment()
        handlers.durations.record(duration: duration)
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
