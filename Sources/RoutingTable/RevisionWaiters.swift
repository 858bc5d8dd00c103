import RegistryModel
import Synchronization

/// Requests that wait for the table to reach a revision (`min_revision`).
final class RevisionWaiters: Sendable {
    private struct Waiter {
        var revision: Revision
        var answer: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var next = 0
        var waiters: [Int: Waiter] = [:]
        /// Waits that ended, by time or by cancellation, before they had begun.
        var ended: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Whether nothing is kept of any wait.
    var isEmpty: Bool { state.withLock { $0.waiters.isEmpty && $0.ended.isEmpty } }

    func wait(
        for revision: Revision, within limit: Duration, current: @Sendable () -> Revision?
    ) async -> Bool {
        if let now = current(), now >= revision { return true }
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                self.end(id, reached: false)
            }
            let reached = await withTaskCancellationHandler {
                await withCheckedContinuation { answer in
                    let isOver = state.withLock { state in
                        if state.ended.remove(id) != nil { return true }
                        state.waiters[id] = Waiter(revision: revision, answer: answer)
                        return false
                    }
                    if isOver { return answer.resume(returning: false) }
                    // The revision may have come between the first look and the entry in the list.
                    if let now = current(), now >= revision { end(id, reached: true) }
                }
            } onCancel: {
                end(id, reached: false)
            }
            group.cancelAll()
            await group.waitForAll()
            _ = state.withLock { $0.ended.remove(id) }
            return reached
        }
    }

    func wake(at revision: Revision) {
        let ready = state.withLock { state in
            guard !state.waiters.isEmpty else { return [Waiter]() }
            let ready = state.waiters.filter { $0.value.revision <= revision }
            for id in ready.keys { state.waiters[id] = nil }
            return Array(ready.values)
        }
        for waiter in ready { waiter.answer.resume(returning: true) }
    }

    private func end(_ id: Int, reached: Bool) {
        let waiter = state.withLock { state in
            guard let waiter = state.waiters.removeValue(forKey: id) else {
                state.ended.insert(id)
                return nil as Waiter?
            }
            return waiter
        }
        waiter?.answer.resume(returning: reached)
    }
}
