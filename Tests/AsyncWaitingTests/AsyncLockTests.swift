import Testing

@testable import AsyncWaiting

@Suite("An async lock", .timeLimit(.minutes(15))) struct AsyncLockTests {
    private static var later: ContinuousClock.Instant { .now + .seconds(3_600) }

    @Test(arguments: [1, 3]) func `lets in no more than it has places`(places: Int) async {
        let lock = AsyncLock(places: places)
        let inside = Shared(0)
        let most = Shared(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    await lock.withLock {
                        let now = inside.change {
                            $0 += 1; return $0
                        }
                        most.change { $0 = max($0, now) }
                        await Task.yield()
                        inside.change { $0 -= 1 }
                    }
                }
            }
        }
        #expect(most.value <= places)
        #expect(lock.running == 0)
        #expect(lock.waiting == 0)
    }

    @Test func `lets in by the order of their coming, and nobody past them`() async {
        let lock = AsyncLock()
        #expect(lock.tryEnter())
        let order = Shared<[Int]>([])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask { await lock.withLock { order.change { $0.append(number) } } }
                await until { lock.waiting == number + 1 }
            }
            #expect(!lock.tryEnter())
            lock.leave()
            await group.waitForAll()
        }
        #expect(order.value == Array(0..<50))
        #expect(lock.tryEnter())
    }

    @Test func `gives no place to a task that is cancelled, and loses none`() async {
        let lock = AsyncLock()
        for round in 0..<500 {
            #expect(lock.tryEnter())
            let tasks = (0..<4).map { _ in
                Task {
                    guard await lock.enter(by: Self.later) else { return false }
                    lock.leave()
                    return true
                }
            }
            if round.isMultiple(of: 2) { await until { lock.waiting == tasks.count } }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { tasks[0].cancel() }
                group.addTask { lock.leave() }
                group.addTask { tasks[2].cancel() }
            }
            for task in tasks { _ = await task.value }
            #expect(await tasks[1].value)
            #expect(lock.running == 0)
            #expect(lock.waiting == 0)
        }
    }

    @Test func `is waited for though the task is cancelled, where the work must be done`() async {
        let lock = AsyncLock()
        #expect(lock.tryEnter())
        let isDone = Shared(false)
        let task = Task { await lock.withLock { isDone.change { $0 = true } } }
        await until { lock.waiting == 1 }
        task.cancel()
        for _ in 0..<100 { await Task.yield() }
        #expect(!isDone.value)
        lock.leave()
        await task.value
        #expect(isDone.value)
    }

    @Test func `refuses those whose time is over, and says whose is next`() async {
        let lock = AsyncLock()
        #expect(lock.tryEnter())
        let now = ContinuousClock.now
        async let first = lock.enter(by: now + .seconds(10))
        await until { lock.waiting == 1 }
        async let second = lock.enter(by: now + .seconds(20))
        await until { lock.waiting == 2 }
        #expect(lock.endOverdue(at: now + .seconds(9)) == now + .seconds(10))
        #expect(lock.endOverdue(at: now + .seconds(10)) == now + .seconds(20))
        #expect(await !first)
        lock.leave()
        #expect(await second)
        #expect(lock.endOverdue(at: now + .seconds(30)) == nil)
        #expect(lock.running == 1)
    }
}
