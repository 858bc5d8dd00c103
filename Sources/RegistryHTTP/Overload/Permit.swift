import Synchronization

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
