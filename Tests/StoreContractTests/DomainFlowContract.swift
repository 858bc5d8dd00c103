import RegistryModel
import TestRandom
import Testing

/// How many domains each location has, as the log tells it, held against a model that has counted them one by one.
@Suite("Counts along the log", .timeLimit(.minutes(10))) struct DomainFlowContract {
    private typealias Counts = [LocationName: Int]

    /// What is known after a revision.
    private struct Moment {
        var at: Timestamp
        var counts: Counts
    }

    /// Everything there is: registrations, moves, waves and their rollbacks, releases, restores and holds, some of them in
    /// one hour, some days apart.
    private static func live(
        _ session: StoreSession, seed: UInt64
    ) async throws -> WaveTrial {
        var trial = WaveTrial(
            session, seed: seed, quarantine: .seconds(60), radius: BlastRadius())
        for _ in 0..<25 {
            try await trial.run(30)
            let hours = Int.random(in: 0...40, using: &trial.commands.random)
            trial.session.pass(.seconds(hours * 3_600))
        }
        for word in ["registered", "moved", "rolled_back", "released", "restored", "held"] {
            #expect((trial.tally[word] ?? 0) > 0, "\(word) in \(trial.tally)")
        }
        return trial
    }

    /// After each revision, 0 too.
    private static func moments(_ model: WaveModel) throws -> [Moment] {
        try (0...model.revision.number).map { number in
            var counts: Counts = [:]
            for states in model.past.values {
                let domain = states.last { $0.from.number <= number }?.domain
                if let domain { counts[domain.location, default: 0] += 1 }
            }
            let at = number == 0 ? StoreSession.start : try #require(model.log[Revision(number)]).at
            return Moment(at: at, counts: counts)
        }
    }

    /// The whole log in parts of so many lines.
    private static func flow(
        _ store: any Store, after first: Int64, through last: Int64, limit: Int
    ) async throws -> (flow: DomainFlow, parts: Int) {
        var place = HistoryQuery.Place(revision: Revision(first), position: .max)
        var (flow, parts) = (DomainFlow(), 0)
        while true {
            let part = try await store.domainFlow(
                after: place, through: Revision(last), limit: limit)
            flow.add(part.flow)
            parts += 1
            if part.isLast { return (flow, parts) }
            place = part.place
        }
    }

    @Test(arguments: StoreUnderTest.all, [21, 22] as [UInt64])
    func `are a plain model's at the end of every hour`(
        engine: StoreUnderTest, seed: UInt64
    ) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let trial = try await Self.live(session, seed: seed)
            let moments = try Self.moments(trial.model)
            let last = Int64(moments.count - 1)
            let hour: Int64 = 3_600_000
            var ends: Set<Int64> = []
            for (first, limit) in [(0, 1), (0, 7), (last / 2, 100), (last, 5), (0, 1_000_000)] {
                let (flow, parts) = try await Self.flow(
                    session.store, after: first, through: last, limit: limit)
                #expect(limit < 1_000_000 || parts == 1)
                var counts = moments[Int(first)].counts
                for each in flow.hours {
                    for (location, change) in each.changes {
                        counts[location, default: 0] += change
                    }
                    let then = try #require(
                        moments.indices.dropFirst().last {
                            moments[$0].at.milliseconds <= each.end.milliseconds
                        })
                    #expect(each.end.milliseconds % hour == 0)
                    #expect(each.revision.number == Int64(then) && each.at == moments[then].at)
                    #expect(each.at.milliseconds > each.end.milliseconds - hour)
                    #expect(counts.filter { $0.value != 0 } == moments[then].counts)
                }
                let found = flow.hours.map(\.end.milliseconds)
                ends = Set(
                    moments.dropFirst(Int(first) + 1).map {
                        ($0.at.milliseconds + hour - 1) / hour * hour
                    })
                #expect(found == ends.sorted(), "every hour with a revision, once")
            }
            #expect(ends.count > 15)
            #expect(moments.last?.counts == Self.counted(trial.session))
            await trial.session.store.close()
        }
    }

    private static func counted(_ session: StoreSession) -> Counts? {
        let places = try? session.table.statistics().value.locations
        return places.map { places in
            Counts(uniqueKeysWithValues: places.map { ($0.name, $0.domains) })
                .filter { $0.value != 0 }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are cut anywhere in a wave, and end where the log does`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll((0..<9_000).map { "n\($0).example" })
            let migration = try await session.plan((0..<9_000).map { "n\($0).example" })
            try await session.cutOver(of: migration)
            let head = try await session.store.head().revision
            for limit in [3_999, 4_000, 4_001, 9_000, .max] {
                let (flow, parts) = try await Self.flow(
                    session.store, after: 0, through: head.number, limit: limit)
                #expect(flow.hours.map(\.changes) == [[aws: 9_000]])
                #expect(parts == (limit == .max ? 1 : 18_001 / limit + 1))
            }
            await #expect(throws: RegistryError.unknownRevision(head.next, head: head)) {
                try await session.store.domainFlow(
                    after: .init(revision: .zero, position: .max), through: head.next, limit: .max)
            }
        }
    }

    /// A clock that is set back doesn't take the log along: so hours follow one another as revisions do.
    @Test(arguments: StoreUnderTest.all)
    func `go on in the head's hour where a clock goes back`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example")
            session.pass(.seconds(7_200))
            try await session.register("b.example")
            session.clock.change { $0 = $0.adding(.seconds(-5_400)) }
            try await session.register("c.example")
            let (flow, _) = try await Self.flow(session.store, after: 0, through: 3, limit: 1)
            #expect(flow.hours.map(\.changes) == [[japan: 1], [japan: 2]])
            #expect(flow.hours.map(\.revision.number) == [1, 3])
        }
    }
}
