import NIOCore
import Synchronization

/// Whether the client of a connection is still there, for work that would go on without it.
///
/// One that has closed its half may wait for its answer or be gone: there is no telling. It has
/// `halfClosed` more; one whose connection is gone has nothing.
final class ClientPresence: Sendable {
    private struct State {
        var isHalfClosed = false
        var isGone = false
        var nextID = 0
        var watches: [Int: CheckedContinuation<Bool, Never>] = [:]
        /// Watches that were cancelled before they had begun.
        var cancelled: Set<Int> = []
    }

    /// What a client that has closed its half still gets: the time of any short read.
    static let halfClosed = Duration.seconds(1)

    /// How long a long answer to one that has closed its half may have nothing to say.
    static let silent = Duration.seconds(10)

    private let state = Mutex(State())

    func closeHalf() { end { $0.isHalfClosed = true } }

    func leave() { end { $0.isGone = true } }

    private func end(_ change: (inout State) -> Void) {
        let watches = state.withLock { state in
            change(&state)
            defer { state.watches = [:] }
            return state.watches
        }
        for watch in watches.values { watch.resume(returning: true) }
    }

    /// Returns when the client is gone, or the task is cancelled.
    func gone() async {
        guard await changes(from: { $0.isHalfClosed || $0.isGone }) else { return }
        guard !state.withLock(\.isGone) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: Self.halfClosed) }
            group.addTask { _ = await self.changes(from: \.isGone) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Whether a long answer still has somebody to go to.
    ///
    /// - Parameter lastSent: when something of it was written last: a client that is gone without a word
    ///   shows then.
    func isThere(lastSent: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            guard !state.isGone else { return false }
            return !state.isHalfClosed || lastSent.duration(to: .now) < Self.silent
        }
    }

    /// - Returns: false where it was cancelled.
    private func changes(from isThere: @escaping @Sendable (State) -> Bool) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { watch in
                let answer = state.withLock { state -> Bool? in
                    if state.cancelled.remove(id) != nil { return false }
                    if isThere(state) { return true }
                    state.watches[id] = watch
                    return nil
                }
                if let answer { watch.resume(returning: answer) }
            }
        } onCancel: {
            let watch = state.withLock { state in
                let watch = state.watches.removeValue(forKey: id)
                if watch == nil { state.cancelled.insert(id) }
                return watch
            }
            watch?.resume(returning: false)
        }
        _ = state.withLock { $0.cancelled.remove(id) }
        return isOver
    }

    /// Cancels `body` when the client goes.
    static func whileThere<Value: Sendable>(
        on channel: any Channel, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await of(channel)?.gone()
                return nil
            }
            while let value = try await group.next() {
                group.cancelAll()
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// When something of a long answer was written last.
    final class LastSent: Sendable {
        private let last = Mutex(ContinuousClock.now)

        var time: ContinuousClock.Instant { last.withLock { $0 } }
        func note() { last.withLock { $0 = .now } }
    }

    static func of(_ channel: any Channel) async -> ClientPresence? {
        try? await channel.eventLoop.submit {
            try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).presence
        }.get()
    }
}
