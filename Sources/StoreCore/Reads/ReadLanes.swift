import Dispatch
import RegistryModel
import Synchronization

/// What a read is for, and so whom it may have to wait for.
package enum ReadLane: Int, Sendable, CaseIterable {
    /// What the service itself can't do without: repeated requests, deadlines of freezes, agents, names
    /// that somebody is about to register, maintenance.
    case own
    /// A short read along an index, for a client.
    case quick
    /// One step of a read that looks at many rows.
    case walk
}

/// Shares an engine's reading connections out, so that no reader holds up what the service itself needs,
/// and no long read the short ones.
///
/// Each lane has connections of its own, and a line that is served in order. A long read stands in line
/// anew for each of its steps: so all of them get on at the same pace. A place in a line ends with the
/// task that waits for it, and nobody waits for longer than `patience`.
package final class ReadLanes: Sendable {
    package struct Limits: Sendable {
        /// Connections of each lane.
        package var places: [ReadLane: Int]
        /// How long a read waits for a connection.
        package var patience = Duration.seconds(10)
        /// Reads of clients that walk at the same time, waiting ones too. Answers that are sent piece by
        /// piece are bounded by whoever sends them.
        package var walks = 64
        /// How long one of those may take in all.
        package var walkTime = Duration.seconds(30)
        /// Reads that wait in one line.
        package var waiting = 16_384

        package init(own: Int = 2, quick: Int = 2, walk: Int = 1) {
            places = [.own: own, .quick: quick, .walk: walk]
        }

        /// Shares a number of connections out. Walks get one: a second core is the writer's.
        ///
        /// - Parameter connections: three at least are taken, one for each lane.
        package init(connections: Int) {
            let rest = max(2, connections - 1)
            self.init(own: rest / 2, quick: rest - rest / 2)
        }

        package var connections: Int { places.values.reduce(0, +) }
    }

    package let limits: Limits
    private let state = Mutex(State())

    private struct State {
        var lines = Dictionary(uniqueKeysWithValues: ReadLane.allCases.map { ($0, Line()) })
        var walks = 0
        var steps = 0
        var nextID = 0
        /// Waits that were cancelled before they had begun.
        var cancelled: Set<Int> = []
        var isTimerSet = false
    }

    private struct Line {
        var running = 0
        var waiting: [Int: Waiter] = [:]
        /// In the order of their coming; those that aren't in `waiting` any more are passed over.
        var order: [Int] = []
        var first = 0

        /// Ids of waits that are over stay in `order` until it's their turn; where it doesn't come, they go here.
        mutating func forgetOver() {
            guard order.count > 2 * waiting.count + 64 else { return }
            order = order[first...].filter { waiting[$0] != nil }
            first = 0
        }

        mutating func next() -> Waiter? {
            while first < order.count {
                let waiter = waiting.removeValue(forKey: order[first])
                first += 1
                if first > 64, first > order.count / 2 {
                    order.removeFirst(first)
                    first = 0
                }
                if let waiter { return waiter }
            }
            return nil
        }
    }

    private struct Waiter {
        var answer: CheckedContinuation<Bool, Never>
        var deadline: ContinuousClock.Instant
    }

    package init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Runs `read` on one of the lane's connections, in turn.
    /// - Throws: `overloaded` where no connection came free in time, or the task was cancelled.
    package func run<Value: Sendable>(
        _ lane: ReadLane, _ read: () async throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        guard await enter(lane) else { throw .overloaded }
        defer { leave(lane) }
        return try await read()
    }

    // MARK: - Lines

    private func enter(_ lane: ReadLane) async -> Bool {
        // What the service does for itself at its end is cancelled, and done all the same.
        guard lane == .own || !Task.isCancelled else { return false }
        enum Entry { case taken, refused, wait(Int) }
        let entry = state.withLock { state -> Entry in
            let line = state.lines[lane, default: Line()]
            if line.running < limits.places[lane, default: 1] {
                state.lines[lane]?.running += 1
                return .taken
            }
            guard line.waiting.count < limits.waiting else { return .refused }
            state.nextID += 1
            return .wait(state.nextID)
        }
        switch entry {
        case .taken: return true
        case .refused: return false
        case .wait(let id): return await wait(lane, id)
        }
    }

    private func wait(_ lane: ReadLane, _ id: Int) async -> Bool {
        let isIn = await withTaskCancellationHandler {
            await withCheckedContinuation { begin(lane, id, $0) }
        } onCancel: {
            end(lane, id)
        }
        _ = state.withLock { $0.cancelled.remove(id) }
        return isIn
    }

    private func begin(_ lane: ReadLane, _ id: Int, _ answer: CheckedContinuation<Bool, Never>) {
        let deadline = ContinuousClock.now + limits.patience
        enum Entry { case answer(Bool), wait(setsTimer: Bool) }
        let entry = state.withLock { state -> Entry in
            if state.cancelled.remove(id) != nil { return .answer(false) }
            // A place may have come free since the first look.
            if state.lines[lane, default: Line()].running < limits.places[lane, default: 1] {
                state.lines[lane]?.running += 1
                return .answer(true)
            }
            state.lines[lane]?.waiting[id] = Waiter(answer: answer, deadline: deadline)
            state.lines[lane]?.order.append(id)
            defer { state.isTimerSet = true }
            return .wait(setsTimer: !state.isTimerSet)
        }
        switch entry {
        case .answer(let isIn): answer.resume(returning: isIn)
        case .wait(let setsTimer): if setsTimer { setTimer(in: limits.patience) }
        }
    }

    private func end(_ lane: ReadLane, _ id: Int) {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.lines[lane]?.waiting.removeValue(forKey: id) else {
                state.cancelled.insert(id)
                return nil
            }
            return waiter
        }
        waiter?.answer.resume(returning: false)
    }

    private func leave(_ lane: ReadLane) {
        let next = state.withLock { state -> Waiter? in
            let next = state.lines[lane]?.next()
            if next == nil { state.lines[lane]?.running -= 1 }
            return next
        }
        next?.answer.resume(returning: true)
    }

    // MARK: - Patience

    /// One timer for all lines: a read that waits costs none of its own.
    private func setTimer(in delay: Duration) {
        let nanoseconds = max(0, Int(delay / .nanoseconds(1)))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) {
            [weak self] in self?.refuseOverdue()
        }
    }

    private func refuseOverdue() {
        let now = ContinuousClock.now
        let (overdue, next) = state.withLock { state in
            var overdue: [Waiter] = []
            var next: ContinuousClock.Instant?
            for lane in ReadLane.allCases {
                for (id, waiter) in state.lines[lane, default: Line()].waiting {
                    if waiter.deadline <= now {
                        state.lines[lane]?.waiting.removeValue(forKey: id)
                        overdue.append(waiter)
                    } else {
                        next = min(next ?? waiter.deadline, waiter.deadline)
                    }
                }
            }
            for lane in ReadLane.allCases { state.lines[lane]?.forgetOver() }
            state.isTimerSet = next != nil
            return (overdue, next)
        }
        for waiter in overdue { waiter.answer.resume(returning: false) }
        if let next { setTimer(in: now.duration(to: next)) }
    }

    // MARK: - Walks

    /// - Throws: `overloaded` where as many walk as may.
    package func beginWalk() throws(RegistryError) {
        let isTaken = state.withLock { state in
            guard state.walks < limits.walks else { return false }
            state.walks += 1
            return true
        }
        guard isTaken else { throw .overloaded }
    }

    package func endWalk() {
        state.withLock { $0.walks -= 1 }
    }

    package func noteStep() {
        state.withLock { $0.steps += 1 }
    }

    // MARK: - What operators and tests see

    /// Steps of walks that were made.
    package var steps: Int { state.withLock(\.steps) }
    package var walks: Int { state.withLock(\.walks) }

    package func running(_ lane: ReadLane) -> Int {
        state.withLock { $0.lines[lane]?.running ?? 0 }
    }

    package func waiting(_ lane: ReadLane) -> Int {
        state.withLock { $0.lines[lane]?.waiting.count ?? 0 }
    }
}

/// A store whose reads go by lanes.
package protocol LanedStore: Sendable {
    var lanes: ReadLanes { get }
    /// Where dry runs of plans stand, which have one connection of their own.
    var dryRunLine: ReadLanes { get }
}
