import AsyncWaiting
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
    private let lines: [ReadLane: AsyncLock]
    private let state = Mutex(State())

    private struct State {
        var walks = 0
        var steps = 0
        /// Reads that wait, or are about to.
        var waiting = 0
        var isTimerSet = false
    }

    package init(_ limits: Limits = Limits()) {
        self.limits = limits
        lines = Dictionary(
            uniqueKeysWithValues: ReadLane.allCases.map { lane in
                (lane, AsyncLock(places: limits.places[lane, default: 1]))
            })
    }

    /// Runs `read` on one of the lane's connections, in turn.
    /// - Throws: `overloaded` where no connection came free in time, or the task was cancelled.
    package func run<Value: Sendable>(
        _ lane: ReadLane, _ read: () async throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        let line = line(lane)
        guard await enter(lane, line) else { throw .overloaded }
        defer { line.leave() }
        return try await read()
    }

    private func line(_ lane: ReadLane) -> AsyncLock {
        guard let line = lines[lane] else { preconditionFailure("each lane has a line") }
        return line
    }

    private func enter(_ lane: ReadLane, _ line: AsyncLock) async -> Bool {
        // What the service does for itself at its end is cancelled, and done all the same.
        guard lane == .own || !Task.isCancelled else { return false }
        if line.tryEnter() { return true }
        guard line.waiting < limits.waiting else { return false }
        let setsTimer = state.withLock { state in
            state.waiting += 1
            defer { state.isTimerSet = true }
            return !state.isTimerSet
        }
        defer { state.withLock { $0.waiting -= 1 } }
        if setsTimer { setTimer(in: limits.patience) }
        return await line.enter(by: .now + limits.patience)
    }

    /// One timer for all lines: a read that waits costs none of its own.
    private func setTimer(in delay: Duration) {
        let nanoseconds = max(0, Int(delay / .nanoseconds(1)))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) {
            [weak self] in self?.refuseOverdue()
        }
    }

    private func refuseOverdue() {
        let now = ContinuousClock.now
        let next = lines.values.compactMap { $0.endOverdue(at: now) }.min()
        let isNeeded = state.withLock { state in
            // Also for one that counts already and isn't in its line yet.
            state.isTimerSet = state.waiting > 0
            return state.isTimerSet
        }
        if isNeeded { setTimer(in: next.map { now.duration(to: $0) } ?? limits.patience) }
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
        line(lane).running
    }

    package func waiting(_ lane: ReadLane) -> Int {
        line(lane).waiting
    }
}

/// A store whose reads go by lanes.
package protocol LanedStore: Sendable {
    var lanes: ReadLanes { get }
    /// Where dry runs of plans stand, which have one connection of their own.
    var dryRunLine: ReadLanes { get }
}
