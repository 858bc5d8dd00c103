import Synchronization

/// Tells the writer when no reader can hold any more what it has taken out of the table.
///
/// Readers count themselves in and out, each at one of many counters so that they don't get in each
/// other's way, and never wait. A reader that came in before something was taken out is done with
/// it when its counter has been seen at zero since. The counters have two phases, so that one set
/// can run empty while new readers use the other; a reader may be late to notice the change of
/// phase, and so both sets must have been seen.
///
/// Sequential consistency is the point: a reader counts itself in, then looks; the writer takes
/// out, then looks at the counters. One of them sees the other.
final class ReaderGate: @unchecked Sendable {
    /// Two cache lines apart: processors fetch them in pairs.
    private static let stride = 16
    static let stripes = 64

    private let counters: UnsafeMutablePointer<Atomic<Int>>
    private let phase = Atomic<Int>(0)

    init() {
        let count = Self.stripes * Self.stride
        counters = .allocate(capacity: count)
        for number in 0..<count { (counters + number).initialize(to: Atomic(0)) }
    }

    deinit {
        counters.deallocate()
    }

    /// - Returns: what to leave with.
    func enter() -> UnsafeMutablePointer<Atomic<Int>> {
        enter(inPhase: phase.load(ordering: .relaxed), stripe: Self.stripe)
    }

    /// - Parameter phase: may have changed meanwhile.
    func enter(inPhase phase: Int, stripe: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        let counter = counters + (stripe &* Self.stride &+ phase)
        counter.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        return counter
    }

    func leave(_ counter: UnsafeMutablePointer<Atomic<Int>>) {
        counter.pointee.wrappingSubtract(1, ordering: .releasing)
    }

    /// By the thread's stack: each thread has its own, megabytes apart.
    private static var stripe: Int {
        var here: UInt8 = 0
        let address = withUnsafeMutablePointer(to: &here) { UInt64(UInt(bitPattern: $0)) }
        return Int(((address &>> 16) &* 0x9E37_79B9_7F4A_7C15) &>> 58)
    }

    /// The writer's: new readers go to the other set of counters.
    /// - Returns: the one that runs empty.
    func changePhase() -> Int {
        let old = phase.load(ordering: .relaxed)
        phase.store(1 - old, ordering: .sequentiallyConsistent)
        return old
    }

    func isEmpty(stripe: Int, phase: Int) -> Bool {
        (counters + (stripe * Self.stride + phase)).pointee
            .load(ordering: .sequentiallyConsistent) == 0
    }
}

/// What was taken out of the table and may still be in some reader's hands. The writer's.
///
/// Nothing here waits: what can't be given up yet stays for the next time.
struct RetiredObjects {
    private var objects: [(due: Int, object: AnyObject)] = []
    /// How often a set of counters was seen to run empty.
    private var rounds = 0
    /// The set that is running empty, and the first of its counters that wasn't seen at zero.
    private var draining: (phase: Int, stripe: Int)?

    var count: Int { objects.count }

    /// - Parameter object: what readers that come from now on can't find.
    mutating func add(_ object: AnyObject) {
        // A round under way may have passed the counter that counts.
        objects.append((rounds + (draining == nil ? 2 : 3), object))
    }

    /// Gives up what no reader can hold any more.
    mutating func release(_ gate: ReaderGate) {
        while let last = objects.last, last.due > rounds {
            guard drain(gate) else { break }
        }
        let due = objects.prefix { $0.due <= rounds }.count
        objects.removeFirst(due)
    }

    private mutating func drain(_ gate: ReaderGate) -> Bool {
        var (phase, stripe) = draining ?? (gate.changePhase(), 0)
        while stripe < ReaderGate.stripes, gate.isEmpty(stripe: stripe, phase: phase) {
            stripe += 1
        }
        draining = stripe < ReaderGate.stripes ? (phase, stripe) : nil
        guard draining == nil else { return false }
        rounds += 1
        return true
    }
}
