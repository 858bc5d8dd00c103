import Synchronization

/// Those who wait for agents, and are woken when there is something to see.
final class AgentWatches: Sendable {
    private struct State {
        var watches: [Int: AsyncStream<Void>.Continuation] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.watches.count } }

    func wake() {
        for watch in state.withLock({ Array($0.watches.values) }) { watch.yield() }
    }

    /// Calls `look` at once, then whenever there may be news, until it has seen enough or `limit` has passed.
    ///
    /// - Parameter interval: how often it looks where nothing wakes it; nil: never.
    func look(
        within limit: Duration, every interval: Duration? = nil, _ look: () async -> Bool
    ) async {
        let (changes, change) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watch = state.withLock { state in
            state.next += 1
            state.watches[state.next] = change
            return state.next
        }
        defer { state.withLock { _ = $0.watches.removeValue(forKey: watch) } }
        // What has changed before the watch began.
        change.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                change.finish()
            }
            if let interval {
                group.addTask {
                    while (try? await Task.sleep(for: interval)) != nil { change.yield() }
                }
            }
            for await _ in changes {
                if await look() { break }
            }
            group.cancelAll()
        }
    }
}
