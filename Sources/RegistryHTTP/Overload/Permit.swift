import Synchronization

/// A request's place among those under way. Given back by `release`, or with its last reference: an
/// answer whose client went away is never begun, and nobody else would give its place back.
final class Permit: Sendable {
    private struct Holding {
        var lane: Lane?
        var octets = 0
    }

    private let admission: Admission
    private let holding: Mutex<Holding>

    init(_ admission: Admission, _ lane: Lane) {
        self.admission = admission
        holding = Mutex(Holding(lane: lane))
    }

    deinit { release() }

    func release() {
        let held = holding.withLock { holding in
            defer { holding = Holding() }
            return holding
        }
        if let lane = held.lane { admission.leave(lane) }
        if held.octets > 0 { admission.drop(octets: held.octets) }
    }

    /// Goes over to another kind of work.
    /// - Throws: `overloaded`, and stays where it is.
    func move(to lane: Lane) throws(Problem) {
        try admission.enter(lane)
        let before = holding.withLock { holding in
            defer { holding.lane = lane }
            return holding.lane
        }
        if let before { admission.leave(before) }
    }

    /// Makes room for a body.
    ///
    /// - Parameter octets: of the whole body, as far as it's known.
    /// - Throws: `overloaded`.
    func hold(bodyOctets octets: Int) throws(Problem) {
        let counted = max(0, octets - admission.limits.uncountedBodyBytes)
        let more = counted - holding.withLock(\.octets)
        guard more > 0 else { return }
        try admission.hold(octets: more)
        holding.withLock { $0.octets += more }
    }

    func dropBody() {
        let octets = holding.withLock { holding in
            defer { holding.octets = 0 }
            return holding.octets
        }
        if octets > 0 { admission.drop(octets: octets) }
    }
}
