import Testing

@testable import AsyncWaiting

@Suite("A latch", .timeLimit(.minutes(15))) struct LatchTests {
    @Test func `lets everybody through once it's raised, also who comes later`() async {
        let latch = Latch()
        #expect(!latch.isRaised)
        async let early = latch.wait()
        latch.raise()
        #expect(await early)
        #expect(await latch.wait())
        #expect(await latch.wait(within: .zero))
        #expect(latch.isRaised)
    }

    @Test func `stops one that waits without telling the others that it happened`() async {
        let latch = Latch()
        let isTold = Shared(false)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await latch.wait()
                isTold.change { $0 = true }
            }
            let other = Task { await latch.wait() }
            other.cancel()
            #expect(await !other.value)
            for _ in 0..<1_000 { await Task.yield() }
            #expect(!isTold.value)
            latch.raise()
            await group.waitForAll()
        }
        #expect(isTold.value)
    }

    @Test func `is waited for no longer than asked`() async {
        let time = ManualClock()
        let latch = Latch(time.clock)
        async let isRaised = latch.wait(within: .seconds(1))
        await until { time.sleeping == 1 }
        time.advance(by: .seconds(1))
        #expect(await !isRaised)
    }
}

@Suite("A wake-up", .timeLimit(.minutes(15))) struct WakeupTests {
    @Test func `comes once, however often something has happened`() async {
        let wakeup = Wakeup()
        for _ in 0..<10 { wakeup.wake() }
        let count = Shared(0)
        let task = Task { for await _ in wakeup { count.change { $0 += 1 } } }
        await until { count.value == 1 }
        for _ in 0..<100 { await Task.yield() }
        #expect(count.value == 1)
        wakeup.wake()
        await until { count.value == 2 }
        task.cancel()
        await task.value
    }

    @Test func `isn't lost, whenever it comes`() async {
        let wakeup = Wakeup()
        let (written, read) = (Shared(0), Shared(0))
        let task = Task {
            for await _ in wakeup {
                read.change { $0 = written.value }
                if read.value == 2_000 { return }
            }
        }
        for number in 1...2_000 {
            written.change { $0 = number }
            wakeup.wake()
            if number.isMultiple(of: 3) { await Task.yield() }
        }
        await task.value
        #expect(read.value == 2_000)
    }

    @Test func `goes to another task once the first one has ended`() async {
        let wakeup = Wakeup()
        let first = Task { for await _ in wakeup {} }
        first.cancel()
        await first.value
        wakeup.wake()
        for await _ in wakeup { break }
    }
}
