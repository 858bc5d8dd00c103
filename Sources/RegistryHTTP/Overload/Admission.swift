import Logging
import Metrics
import Synchronization

/// Takes requests on, up to a bound for each kind, and refuses the rest before their bodies are read.
///
/// A queue instead would only make everybody wait longer than clients do: answers would go to nobody,
/// and the service would be busy with them long after the load is gone.
final class Admission: Sendable {
    let limits: LoadLimits
    private let underWay = Mutex([Lane: Int]())
    private let heldOctets = Atomic(0)
    private let told = Mutex(Told())
    private let logger: Logger
    private let refusals = Dictionary(
        uniqueKeysWithValues: (Lane.allCases.map(\.rawValue) + [Admission.bodyMemory]).map {
            ($0, Counter(label: "http_requests_shed_total", dimensions: [("reason", $0)]))
        })

    private static let bodyMemory = "body-memory"

    private struct Told {
        var last: ContinuousClock.Instant?
        var untold = 0
    }

    init(_ limits: LoadLimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    /// - Throws: `overloaded`.
    func admit(_ lane: Lane) throws(Problem) -> Permit {
        try enter(lane)
        return Permit(self, lane)
    }

    private func limit(_ lane: Lane) -> Int {
        switch lane {
        case .light: .max
        case .read, .write, .wait: limits.requests
        case .stream: limits.streams
        }
    }

    func enter(_ lane: Lane) throws(Problem) {
        guard lane != .light else { return }
        let limit = limit(lane)
        let isAdmitted = underWay.withLock { underWay in
            let now = underWay[lane, default: 0]
            guard now < limit else { return false }
            underWay[lane] = now + 1
            return true
        }
        guard isAdmitted else {
            shed(lane.rawValue)
            throw .overloaded("too many requests are under way")
        }
    }

    func leave(_ lane: Lane) {
        guard lane != .light else { return }
        underWay.withLock { $0[lane, default: 0] -= 1 }
    }

    func hold(octets: Int) throws(Problem) {
        var now = heldOctets.load(ordering: .relaxed)
        while true {
            guard octets <= limits.bodyBytes - now else {
                shed(Self.bodyMemory)
                throw .overloaded("too many large bodies are under way")
            }
            let (isExchanged, found) = heldOctets.weakCompareExchange(
                expected: now, desired: now + octets, ordering: .relaxed)
            if isExchanged { return }
            now = found
        }
    }

    func drop(octets: Int) {
        heldOctets.wrappingSubtract(octets, ordering: .relaxed)
    }

    // MARK: What operators see

    /// Counted each time, and told once a second: a line for each would be one more load.
    private func shed(_ reason: String) {
        refusals[reason]?.increment()
        let now = ContinuousClock.now
        let untold = told.withLock { told -> Int? in
            told.untold += 1
            if let last = told.last, last.duration(to: now) < .seconds(1) { return nil }
            defer { told = Told(last: now) }
            return told.untold
        }
        guard let untold else { return }
        logger.warning(
            "overloaded: requests are refused",
            metadata: ["reason": "\(reason)", "refused": "\(untold)"])
    }

    /// Requests under way.
    func count(_ lane: Lane) -> Int { underWay.withLock { $0[lane, default: 0] } }

    /// Octets of bodies that count.
    var octets: Int { heldOctets.load(ordering: .relaxed) }

    func recordGauges() {
        for lane in Lane.allCases where lane != .light {
            Gauge(label: "http_requests_under_way", dimensions: [("kind", lane.rawValue)])
                .record(count(lane))
        }
        Gauge(label: "http_request_body_bytes").record(octets)
    }
}
