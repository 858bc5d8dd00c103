import Synchronization

@testable import AsyncWaiting

/// A value that a test and its tasks look at together.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) {
        mutex = Mutex(value)
    }

    var value: Value { mutex.withLock { $0 } }

    @discardableResult
    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}

/// A clock that goes on when a test says so.
final class ManualClock: Sendable {
    private let time = Mutex(Duration.zero)
    private let sleepers = Waiters<Duration>()

    /// How many sleep.
    var sleeping: Int { sleepers.count }
    var now: Duration { time.withLock { $0 } }

    var clock: WaitClock {
        WaitClock(now: { self.now }) { duration in
            let end = self.now + duration
            let ended = await self.sleepers.wait(for: end) { self.now >= end }
            if ended == .cancelled { throw CancellationError() }
        }
    }

    func advance(by duration: Duration) {
        let now = time.withLock { time in
            time += duration
            return time
        }
        sleepers.wake { $0 <= now }
    }
}

/// Lets others go on until it's so.
func until(_ isSo: () -> Bool) async {
    while !isSo() { await Task.yield() }
}
