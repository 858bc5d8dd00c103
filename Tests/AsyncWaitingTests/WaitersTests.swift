import Testing

@testable import AsyncWaiting

@Suite("A wait", .timeLimit(.minutes(15))) struct WaitersTests {
    @Test func `ends at once where there is nothing to wait for`() async {
        let waiters = Waiters<Int>()
        #expect(await waiters.wait(for: 1) { true } == .woken)
        #expect(await waiters.wait(for: 1, within: .zero) { true } == .woken)
        #expect(await waiters.wait(for: 1, within: .zero) == .timedOut)
        #expect(await waiters.wait(for: 1, within: .seconds(-1)) == .timedOut)
        #expect(waiters.count == 0)
    }

    @Test func `misses nothing that comes between the look and the entry in the list`() async {
        let waiters = Waiters<Int>()
        var looks = 0
        // At the second look it's over, and no wake follows.
        let ended = await waiters.wait(for: 1) {
            looks += 1
            return looks == 2
        }
        #expect(ended == .woken)
        #expect(waiters.count == 0)
    }

    @Test func `is woken by its own key only`() async {
        let waiters = Waiters<Int>()
        async let two = waiters.wait(for: 2)
        async let three = waiters.wait(for: 3)
        await until { waiters.count == 2 }
        #expect(Set(waiters.keys) == [2, 3])
        waiters.wake { $0 <= 1 }
        #expect(waiters.count == 2)
        waiters.wake { $0 <= 2 }
        #expect(await two == .woken)
        #expect(waiters.keys == [3])
        waiters.wake { $0 <= 4 }
        #expect(await three == .woken)
    }

    @Test(arguments: [1, 2, 3, 7, 100, 1_001])
    func `ends for everybody when all are woken`(count: Int) async {
        let waiters = Waiters<Void>()
        await withTaskGroup(of: WaitEnd.self) { group in
            for _ in 0..<count { group.addTask { await waiters.wait(for: ()) } }
            await until { waiters.count == count }
            waiters.wakeAll()
            for await ended in group { #expect(ended == .woken) }
        }
        #expect(waiters.count == 0)
    }

    @Test func `ends for all that stay, though those that were to wake them are cancelled`() async {
        for round in 0..<200 {
            let waiters = Waiters<Void>()
            let tasks = (0..<31).map { _ in Task { await waiters.wait(for: ()) } }
            await until { waiters.count == tasks.count }
            let gone = tasks.indices.filter { ($0 + round) % 3 != 0 }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for index in gone { tasks[index].cancel() } }
                group.addTask { waiters.wakeAll() }
            }
            for (index, task) in tasks.enumerated() {
                let ended = await task.value
                #expect(ended == .woken || gone.contains(index) && ended == .cancelled)
            }
            #expect(waiters.count == 0)
        }
    }

    @Test func `ends with its task`() async {
        let waiters = Waiters<Int>()
        for limit in [nil, Duration.seconds(3_600)] {
            let task = Task { await waiters.wait(for: 1, within: limit) }
            await until { waiters.count == 1 }
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(waiters.count == 0)
        }
    }

    @Test func `doesn't begin in a task that is cancelled already`() async {
        let waiters = Waiters<Int>()
        for limit in [nil, Duration.seconds(3_600)] {
            let task = Task {
                await until { Task.isCancelled }
                return await waiters.wait(for: 1, within: limit)
            }
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(waiters.count == 0)
        }
    }

    @Test func `goes on though its task is cancelled, where it's asked to`() async {
        let waiters = Waiters<Int>()
        let task = Task { await waiters.wait(for: 1, despiteCancellation: true) }
        await until { waiters.count == 1 }
        task.cancel()
        for _ in 0..<100 { await Task.yield() }
        #expect(waiters.count == 1)
        waiters.wakeFirst()
        #expect(await task.value == .woken)
    }

    @Test func `ends when its time is over, and not before`() async {
        let time = ManualClock()
        let waiters = Waiters<Int>(time.clock)
        async let ended = waiters.wait(for: 1, within: .seconds(5))
        await until { time.sleeping == 1 }
        time.advance(by: .milliseconds(4_999))
        for _ in 0..<100 { await Task.yield() }
        #expect(waiters.count == 1)
        time.advance(by: .milliseconds(1))
        #expect(await ended == .timedOut)
        #expect(waiters.count == 0)
    }

    @Test func `leaves no clock running when it's woken in time`() async {
        let time = ManualClock()
        let waiters = Waiters<Int>(time.clock)
        async let ended = waiters.wait(for: 1, within: .seconds(5))
        await until { time.sleeping == 1 }
        waiters.wakeAll()
        #expect(await ended == .woken)
        #expect(time.sleeping == 0)
    }

    @Test func `leaves nothing behind, however it ends`() async {
        let time = ManualClock()
        let waiters = Waiters<Int>(time.clock)
        let (now, over) = (Shared(0), Shared(0))
        await withTaskGroup(of: Void.self) { group in
            for number in 1...600 {
                let task = Task {
                    let limit = Duration.milliseconds(number % 50)
                    return await waiters.wait(for: number, within: limit) { number <= now.value }
                }
                group.addTask {
                    if number.isMultiple(of: 7) { task.cancel() }
                    let ended = await task.value
                    if ended == .cancelled { #expect(number.isMultiple(of: 7)) }
                    if ended == .woken { #expect(number <= now.value) }
                    over.change { $0 += 1 }
                }
            }
            group.addTask {
                for number in 1...300 {
                    now.change { $0 = number }
                    waiters.wake { $0 <= number }
                    time.advance(by: .milliseconds(1))
                    await Task.yield()
                }
                while over.value < 600 {
                    time.advance(by: .milliseconds(1))
                    await Task.yield()
                }
            }
            await group.waitForAll()
        }
        #expect(waiters.count == 0)
        #expect(time.sleeping == 0)
    }

    @Test func `ends one by one in the order of their coming, whoever has gone`() async {
        let waiters = Waiters<Int>()
        var tasks: [Task<WaitEnd, Never>] = []
        let order = Shared<[Int]>([])
        for number in 0..<200 {
            tasks.append(
                Task {
                    let ended = await waiters.wait(for: number)
                    if ended == .woken { order.change { $0.append(number) } }
                    return ended
                })
            await until { waiters.count == number + 1 }
        }
        for number in stride(from: 0, to: 200, by: 3) {
            tasks[number].cancel()
            #expect(await tasks[number].value == .cancelled)
        }
        let rest = (0..<200).filter { $0 % 3 != 0 }
        #expect(waiters.keys == rest)
        for (index, number) in rest.enumerated() {
            waiters.wakeFirst { Issue.record("\(number) doesn't wait") }
            #expect(await tasks[number].value == .woken)
            #expect(order.value == Array(rest[...index]))
        }
        let isEmpty = Shared(false)
        waiters.wakeFirst { isEmpty.change { $0 = true } }
        #expect(isEmpty.value)
    }
}

@Suite("Somebody who looks", .timeLimit(.minutes(15))) struct LookTests {
    private let time = ManualClock()

    @Test func `looks at once, and after each event`() async {
        let waiters = Waiters<Void>(time.clock)
        let looks = Shared(0)
        async let end: Void = waiters.look(within: .seconds(60)) {
            looks.change {
                $0 += 1; return $0
            } == 3
        }
        await until { waiters.count == 1 }
        #expect(looks.value == 1)
        #expect(waiters.lookers == 1)
        waiters.wakeAll()
        await until { waiters.count == 1 && looks.value == 2 }
        waiters.wakeAll()
        await end
        #expect(looks.value == 3)
        #expect(waiters.lookers == 0)
    }

    @Test func `looks again after what came while it looked`() async {
        let waiters = Waiters<Void>(time.clock)
        let looks = Shared(0)
        await waiters.look(within: .seconds(60)) {
            waiters.wakeAll()
            return looks.change {
                $0 += 1; return $0
            } == 5
        }
        #expect(looks.value == 5)
    }

    @Test func `looks now and then where it's to, until its time is over`() async {
        let waiters = Waiters<Void>(time.clock)
        let looks = Shared(0)
        async let end: Void = waiters.look(within: .seconds(3), every: .seconds(1)) {
            looks.change { $0 += 1 }
            return false
        }
        for look in 1...3 {
            await until { time.sleeping == 1 && looks.value == look }
            time.advance(by: .seconds(1))
        }
        await end
        #expect(looks.value == 3)
    }

    @Test func `ends with its task`() async {
        let waiters = Waiters<Void>(time.clock)
        let task = Task { await waiters.look(within: .seconds(60)) { false } }
        await until { waiters.count == 1 }
        task.cancel()
        await task.value
        #expect(waiters.lookers == 0)
    }
}
