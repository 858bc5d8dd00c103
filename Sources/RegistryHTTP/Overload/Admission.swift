import Logging
import Metrics
import Synchronization

/// Takes requests on, up to a bound for each kind, and refuses the rest before their bodies are read.
///
/// A queue instead would only make everybody wait longer than clients do: answers would go to nobody,
/// and the service would be busy with them long after the load is gone.
final class Admission: Sendable {
    let limits: LoadLimits
    private let underWay = Mutex([LoadClass: Int]())
    private let heldBytes = Atomic(0)
    private let told = Mutex(LastNotice())
    private let logger: Logger
    private let refusals = Dictionary(
        uniqueKeysWithValues: (LoadClass.allCases.map(\.rawValue) + [Admission.bodyMemory]).map {
            ($0, Counter(label: "http_requests_shed_total", dimensions: [("reason", $0)]))
        })

    private static let bodyMemory = "body-memory"

    private struct LastNotice {
        var last: ContinuousClock.Instant?
        var untold = 0
    }

    init(_ limits: LoadLimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    /// - Throws: `overloaded`.
    func admit(_ loadClass: LoadClass) throws(Problem) -> Permit {
        try enter(loadClass)
        return Permit(self, loadClass)
    }

    private func limit(_ loadClass: LoadClass) -> Int {
        switch loadClass {
        case .light: .max
        case .read, .write, .wait: limits.requests
        case .stream: limits.streams
        case .comparison: limits.comparisons
        }
    }

    func enter(_ loadClass: LoadClass) throws(Problem) {
        guard loadClass != .light else { return }
        let limit = limit(loadClass)
        let isAdmitted = underWay.withLock { underWay in
            let now = underWay[loadClass, default: 0]
            guard now < limit else { return false }
            underWay[loadClass] = now + 1
            return true
        }
        guard isAdmitted else {
            shed(loadClass.rawValue)
            throw .overloaded("too many requests are under way")
        }
    }

    func leave(_ loadClass: LoadClass) {
        guard loadClass != .light else { return }
        underWay.withLock { $0[loadClass, default: 0] -= 1 }
    }

    func hold(bytes: Int) throws(Problem) {
        var now = heldBytes.load(ordering: .relaxed)
        while true {
            guard bytes <= limits.bodyBytes - now else {
                shed(Self.bodyMemory)
                throw .overloaded("too many large bodies are under way")
            }
            let (isExchanged, found) = heldBytes.weakCompareExchange(
                expected: now, desired: now + bytes, ordering: .relaxed)
            if isExchanged { return }
            now = found
        }
    }

    func drop(bytes: Int) {
        heldBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    // MARK: Kind operators see

    /// Counted each time, and told once a second: a line for each would be one more load.
    private func shed(_ reason: String) {
        refusals[reason]?.increment()
        let now = ContinuousClock.now
        let untold = told.withLock { told -> Int? in
            told.untold += 1
            if let last = told.last, last.duration(to: now) < .seconds(1) { return nil }
            defer { told = LastNotice(last: now) }
            return told.untold
        }
        guard let untold else { return }
        logger.warning(
            "overloaded: requests are refused",
            metadata: ["reason": "\(reason)", "refused": "\(untold)"])
    }

    /// Requests under way.
    func count(_ loadClass: LoadClass) -> Int { underWay.withLock { $0[loadClass, default: 0] } }

    /// Bytes of bodies that count.
    var bytes: Int { heldBytes.load(ordering: .relaxed) }

    func recordGauges() {
        for loadClass in LoadClass.allCases where loadClass != .light {
            Gauge(label: "http_requests_under_way", dimensions: [("kind", loadClass.rawValue)])
                .record(count(loadClass))
        }
        Gauge(label: "http_request_body_bytes").record(bytes)
    }
}

/// A request's place among those under way. Given back by `release`, or with its last reference: an
/// answer whose client went away is never begun, and nobody else would give its place back.
final class Permit: Sendable {
    private struct Holding {
        var loadClass: LoadClass?
        var bytes = 0
    }

    private let admission: Admission
    private let holding: Mutex<Holding>

    init(_ admission: Admission, _ loadClass: LoadClass) {
        self.admission = admission
        holding = Mutex(Holding(loadClass: loadClass))
    }

    deinit { release() }

    func release() {
        let held = holding.withLock { holding in
            defer { holding = Holding() }
            return holding
        }
        if let loadClass = held.loadClass { admission.leave(loadClass) }
        if held.bytes > 0 { admission.drop(bytes: held.bytes) }
    }

    /// Goes over to another kind of work.
    /// - Throws: `overloaded`, and stays where it is.
    func move(to loadClass: LoadClass) throws(Problem) {
        try admission.enter(loadClass)
        let before = holding.withLock { holding in
            defer { holding.loadClass = loadClass }
            return holding.loadClass
        }
        if let before { admission.leave(before) }
    }

    /// Makes room for a body.
    ///
    /// - Parameter bytes: of the whole body, as far as it's known.
    /// - Throws: `overloaded`.
    func hold(bodyBytes bytes: Int) throws(Problem) {
        let counted = max(0, bytes - admission.limits.uncountedBodyBytes)
        let more = counted - holding.withLock(\.bytes)
        guard more > 0 else { return }
        try admission.hold(bytes: more)
        holding.withLock { $0.bytes += more }
    }

    func dropBody() {
        let bytes = holding.withLock { holding in
            defer { holding.bytes = 0 }
            return holding.bytes
        }
        if bytes > 0 { admission.drop(bytes: bytes) }
    }
}
