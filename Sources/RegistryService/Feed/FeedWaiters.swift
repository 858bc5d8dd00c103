import RegistryModel
import Synchronization

/// Readers that wait for the next revision.
///
/// The writer wakes one of them, whatever their number; each wakes two others before it goes on.
final class FeedWaiters: Sendable {
    private typealias Answer = CheckedContinuation<Wake, Never>

    private struct Wake: Sendable {
        var isNews: Bool
        /// Whom the woken one has to wake.
        var others: ArraySlice<Waiter> = []
    }

    private struct Waiter: Sendable {
        var answer: Answer
    }

    private struct State {
        var next = 0
        var waiting: [Int: Waiter] = [:]
        /// Waits that ended, by time or by cancellation, before they had begun.
        var ended: Set<Int> = []
    }

    private let state = Mutex(State())

    /// How many wait now.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Whether nothing is kept of any wait.
    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty && $0.ended.isEmpty } }

    /// Waits for `isOver`, which `wake()` makes true; at once where it is.
    /// - Returns: false where `limit` came first, or cancellation.
    func wait(within limit: Duration, until isOver: @Sendable () -> Bool) async -> Bool {
        if isOver() { return true }
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                self.end(id, isNews: false)
            }
            let wake = await withTaskCancellationHandler {
                await withCheckedContinuation { (answer: Answer) in
                    begin(id, answer, isOver)
                }
            } onCancel: {
                end(id, isNews: false)
            }
            Self.pass(on: wake.others)
            group.cancelAll()
            await group.waitForAll()
            _ = state.withLock { $0.ended.remove(id) }
            return wake.isNews
        }
    }

    /// Takes the same time for one as for thousands.
    func wake() {
        let all = state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        guard !all.isEmpty else { return }
        Self.pass(on: ArraySlice(all.values))
    }

    private func begin(_ id: Int, _ answer: Answer, _ isOver: @Sendable () -> Bool) {
        let isEnded = state.withLock { state in
            if state.ended.remove(id) != nil { return true }
            state.waiting[id] = Waiter(answer: answer)
            return false
        }
        if isEnded { return answer.resume(returning: Wake(isNews: false)) }
        // It may have come between the first look and the entry in the list.
        if isOver() { end(id, isNews: true) }
    }

    private static func pass(on waiters: ArraySlice<Waiter>) {
        guard let first = waiters.first else { return }
        let rest = waiters.dropFirst()
        guard let second = rest.first else {
            return first.answer.resume(returning: Wake(isNews: true))
        }
        let others = rest.dropFirst()
        let middle = others.startIndex + others.count / 2
        first.answer.resume(returning: Wake(isNews: true, others: others[..<middle]))
        second.answer.resume(returning: Wake(isNews: true, others: others[middle...]))
    }

    private func end(_ id: Int, isNews: Bool) {
        let waiter = state.withLock { state in
            guard let waiter = state.waiting.removeValue(forKey: id) else {
                state.ended.insert(id)
                return nil as Waiter?
            }
            return waiter
        }
        waiter?.answer.resume(returning: Wake(isNews: isNews))
    }
}
