import RegistryLedger
import RegistryModel
import StoreCore
import Testing

@Suite("The lanes of reads", .timeLimit(.minutes(10))) struct ReadLanesTests {
    private static func poll(_ probe: () -> Bool) async {
        while !probe() { await Task.yield() }
    }

    private static func holding(
        _ lanes: ReadLanes, _ held: [ReadLane], _ body: (Gate) async throws -> Void
    ) async throws {
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in held {
                for _ in 0..<lanes.limits.places[lane, default: 0] {
                    group.addTask { await Self.passing(lanes, lane, gate) }
                }
            }
            await poll {
                held.allSatisfy { lanes.running($0) == lanes.limits.places[$0] }
            }
            try await body(gate)
            gate.open()
            try await group.waitForAll()
        }
    }

    private static func passing(_ lanes: ReadLanes, _ lane: ReadLane, _ gate: Gate) async {
        _ = try? await lanes.run(lane) { () async throws(RegistryError) -> Int in
            await gate.pass()
            return 0
        }
    }

    /// Lanes whose lines nobody leaves before a test has seen them there, however busy the machine is.
    private static func patient(_ limits: ReadLanes.Limits = .init()) -> ReadLanes {
        var limits = limits
        limits.patience = .seconds(3600)
        return ReadLanes(limits)
    }

    private static func one() async throws(RegistryError) -> Int { 1 }

    @Test func `hold nobody up but those of their own`() async throws {
        let lanes = Self.patient()
        for held in ReadLane.allCases {
            try await Self.holding(lanes, ReadLane.allCases.filter { $0 != held }) { _ in
                let one = try await lanes.run(held, Self.one)
                #expect(one == 1)
            }
        }
    }

    @Test func `serve a line in the order of coming`() async throws {
        let lanes = Self.patient(.init(own: 1, quick: 1, walk: 1))
        let order = Shared<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await Self.holding(lanes, [.walk]) { _ in
                for number in 0..<8 {
                    group.addTask {
                        try await lanes.run(.walk) { () async throws(RegistryError) in
                            order.change { $0.append(number) }
                        }
                    }
                    await Self.poll { lanes.waiting(.walk) == number + 1 }
                }
            }
            try await group.waitForAll()
        }
        #expect(order.value == Array(0..<8))
        #expect(ReadLane.allCases.allSatisfy { lanes.running($0) == 0 && lanes.waiting($0) == 0 })
    }

    @Test func `give a place up with the task that waits for it`() async throws {
        let lanes = Self.patient()
        try await Self.holding(lanes, [.walk, .own]) { gate in
            for lane in [ReadLane.walk, .own] {
                let task = Task { try await lanes.run(lane, Self.one) }
                await Self.poll { lanes.waiting(lane) == 1 }
                task.cancel()
                await #expect(throws: RegistryError.overloaded) { try await task.value }
                #expect(lanes.waiting(lane) == 0)
            }
        }
        #expect(try await lanes.run(.walk, Self.one) == 1)
    }

    @Test func `refuse who has waited for too long, and nobody else`() async throws {
        var limits = ReadLanes.Limits()
        limits.patience = .milliseconds(1)
        let lanes = ReadLanes(limits)
        try await Self.holding(lanes, [.walk]) { _ in
            for _ in 0..<3 {
                await #expect(throws: RegistryError.overloaded) {
                    try await lanes.run(.walk, Self.one)
                }
            }
            let one = try await lanes.run(.quick, Self.one)
            #expect(one == 1)
        }
        #expect(try await lanes.run(.walk, Self.one) == 1)
    }

    @Test func `have a bound on those that wait`() async throws {
        var limits = ReadLanes.Limits()
        limits.waiting = 1
        let lanes = Self.patient(limits)
        try await Self.holding(lanes, [.quick]) { gate in
            let waiting = Task { try await lanes.run(.quick, Self.one) }
            await Self.poll { lanes.waiting(.quick) == 1 }
            await #expect(throws: RegistryError.overloaded) {
                try await lanes.run(.quick, Self.one)
            }
            gate.open()
            let one = try await waiting.value
            #expect(one == 1)
        }
    }

    /// Counts to ten, one a step.
    private struct Count: ReadWalk {
        var number = 0
        var isDone: Bool { number == 10 }

        mutating func advance(_ source: Void, _ budget: inout StepBudget) throws {
            number += 1
            budget.take(budget.rows)
        }
    }

    private static func walk(
        _ lanes: ReadLanes, isPage: Bool = true, _ note: @Sendable (ReadLane) -> Void = { _ in }
    ) async throws -> Count {
        try await lanes.walk(Count(), isPage: isPage) {
            lane, walk, budget async throws(RegistryError) in
            try await lanes.run(lane) { () async throws(RegistryError) in
                note(lane)
                var (walk, budget) = (walk, budget)
                do { try walk.advance((), &budget) } catch { throw .inconsistent }
                return walk
            }
        }
    }

    @Test func `let a walk look once quickly, and then step by step`() async throws {
        let lanes = Self.patient()
        let seen = Shared<[ReadLane]>([])
        #expect(try await Self.walk(lanes) { lane in seen.change { $0.append(lane) } }.isDone)
        #expect(seen.value == [.quick] + Array(repeating: .walk, count: 9))
        #expect(lanes.walks == 0)
        // A part of something long isn't quick.
        seen.change { $0 = [] }
        _ = try await Self.walk(lanes, isPage: false) { lane in seen.change { $0.append(lane) } }
        #expect(seen.value == Array(repeating: .walk, count: 10))
    }

    @Test func `refuse a walk beyond their bound`() async throws {
        var limits = ReadLanes.Limits()
        limits.walks = 2
        let lanes = ReadLanes(limits)
        try lanes.beginWalk()
        #expect(try await Self.walk(lanes).isDone)
        try lanes.beginWalk()
        await #expect(throws: RegistryError.overloaded) { try await Self.walk(lanes) }
        lanes.endWalk()
        #expect(try await Self.walk(lanes).isDone)
    }

    @Test func `end a walk whose task was cancelled`() async throws {
        let lanes = Self.patient()
        try await Self.holding(lanes, [.walk]) { _ in
            let task = Task { try await Self.walk(lanes) }
            await Self.poll { lanes.waiting(.walk) == 1 }
            task.cancel()
            await #expect(throws: RegistryError.overloaded) { try await task.value }
            #expect(lanes.steps == 0 && lanes.walks == 0)
        }
    }

    @Test func `share out what there is, with a place in each`() {
        for connections in 1...9 {
            let limits = ReadLanes.Limits(connections: connections)
            #expect(limits.connections == max(3, connections))
            #expect(limits.places.values.allSatisfy { $0 > 0 })
        }
    }
}
