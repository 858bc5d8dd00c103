import Foundation
import RegistryModel
import RegistryService
import Synchronization
import TestRandom
import Testing

@Suite("The history of statistics", .timeLimit(.minutes(15))) struct StatisticsHistoryTests {
    private static let path = "/v1/stats/history"

    /// What is known of a registry, kept beside it: where each name is, and what was so after each revision.
    private struct Model {
        var live: [String: String] = [:]
        var gone: [String: String] = [:]
        var past: [(at: Timestamp, revision: Int64, counts: [String: Int])] = []

        var counts: [String: Int] {
            live.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }

        mutating func note(_ registry: RunningRegistry) async throws {
            past.append((registry.clock.now, try await registry.head(), counts))
        }

        func state(at time: Timestamp) -> (revision: Int64, counts: [String: Int]) {
            past.last { $0.at <= time }.map { ($0.revision, $0.counts) } ?? (0, [:])
        }

        /// As the API should show it, with a calendar's steps.
        func items(
            _ step: String, since: Timestamp?, until: Timestamp?, now: Timestamp
        ) -> [String] {
            let end = min(until ?? now, now)
            let start = since ?? min(past.first?.at ?? end, end)
            guard start <= end else { return [] }
            var moments: [Timestamp] = []
            var calendar = Calendar(identifier: .iso8601)
            calendar.timeZone = .gmt
            let unit: Calendar.Component =
                ["hour": .hour, "day": .day, "week": .weekOfYear][step] ?? .era
            var date = Date(timeIntervalSince1970: Double(start.milliseconds) / 1_000)
            if calendar.dateInterval(of: unit, for: date)?.start != date {
                date = calendar.dateInterval(of: unit, for: date)?.end ?? .distantFuture
            }
            while Self.time(date) < end {
                moments.append(Self.time(date))
                date = calendar.date(byAdding: unit, value: 1, to: date) ?? .distantFuture
            }
            let states = (moments + [end]).map { ($0, state(at: $0)) }
            let places = Set(states.flatMap { $0.1.counts.keys }).sorted()
            return states.map { at, state in
                let counts = places.map { "\($0) \(state.counts[$0] ?? 0)" }
                return "\(at) \(state.revision): \(counts.joined(separator: ", "))"
            }
        }

        private static func time(_ date: Date) -> Timestamp {
            Timestamp(milliseconds: Int64((date.timeIntervalSince1970 * 1_000).rounded()))
        }
    }

    /// `at revision: location domains, …`
    private static func items(_ answer: Answer) -> [String] {
        answer.items.map { item in
            let counts = (item["locations"]?.array ?? []).map {
                "\($0["location"]?.text ?? "") \($0["domains"]?.number ?? -1)"
            }
            let head = "\(item["at"]?.text ?? "") \(item["revision"]?.number ?? -1)"
            return "\(head): \(counts.joined(separator: ", "))"
        }
    }

    private static let names = (0..<16).map { "n\($0).example.com" }

    /// One step of somebody's: most of them do something.
    private static func write(
        _ registry: RunningRegistry, _ model: inout Model, _ random: inout SeededRandom
    ) async throws {
        let name = names.randomElement(using: &random) ?? names[0]
        let place = ["japan", "aws", "mars"].randomElement(using: &random) ?? "japan"
        let path = "/v1/domains/\(name)"
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1, 2:
            let answer = try await registry.post(
                "/v1/domains", #"{"fqdn":"\#(name)","location":"\#(place)"}"#)
            if answer.status == 201 {
                model.live[name] = place
                model.gone[name] = nil
            }
        case 3:
            let answer = try await registry.send(
                .PATCH, path, json: #"{"location":"\#(place)","mode":"serve"}"#)
            if answer.status == 200 { model.live[name] = place }
        case 4:
            // Its mode is none of what is counted.
            try await registry.send(.PATCH, path, json: #"{"mode":"reject"}"#)
        case 5:
            let answer = try await registry.send(.DELETE, path)
            if answer.status == 204 { model.gone[name] = model.live.removeValue(forKey: name) }
        case 6:
            let answer = try await registry.post("\(path)/restore", "{}")
            if answer.status == 200 { model.live[name] = model.gone.removeValue(forKey: name) }
        case 7:
            let answer = try await registry.post(
                "/v1/domains", #"{"fqdn":"held-\#(name)","hold_seconds":60}"#)
            #expect([201, 409].contains(answer.status))
        default: try await move(registry, &model, &random)
        }
        try await model.note(registry)
    }

    /// A wave, which mostly stays, and at times goes back hours later.
    private static func move(
        _ registry: RunningRegistry, _ model: inout Model, _ random: inout SeededRandom
    ) async throws {
        let there = names.filter { model.live[$0] == "japan" }
        guard !there.isEmpty else { return }
        let migration = try await registry.plan(there, freeze: "read_only")
        try await model.note(registry)
        try await registry.freeze(migration)
        try await model.note(registry)
        try await registry.cutOver(migration)
        for name in there { model.live[name] = "aws" }
        try await model.note(registry)
        guard Bool.random(using: &random) else { return }
        registry.clock.advance(by: .seconds(Int.random(in: 0..<40_000, using: &random)))
        try await registry.succeed(migration.path("rollback"))
        for name in there { model.live[name] = "japan" }
        try await model.note(registry)
    }

    /// The newest item is what the table counts.
    private static func compareHead(_ registry: RunningRegistry, _ newest: Answer) async throws {
        let now = try await registry.get("/v1/stats", as: .role(.reader))
        let item = try #require(newest.items.last)
        #expect(item["revision"] == now["revision"] && newest.revision == now.revision)
        let counted = (now["locations"]?.array ?? []).map {
            "\($0["location"]?.text ?? "") \($0["domains"]?.number ?? -1)"
        }
        let shown = Set(
            Self.items(newest).last?.split(separator: ": ").last?
                .components(separatedBy: ", ") ?? [])
        #expect(Set(counted.filter { !$0.hasSuffix(" 0") }) == shown.filter { !$0.hasSuffix(" 0") })
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `is what a plain model says, whatever is asked for and when`(seed: UInt64) async throws {
        try await withRegistry { registry in
            var (model, random) = (Model(), SeededRandom(seed: seed))
            try await model.note(registry)
            let start = registry.clock.now
            try await registry.send(
                .PUT, "/v1/locations/mars",
                json:
                    #"{"upstream":"http://mars","accepts_signups":true,"default_for_signups":false}"#
            )
            try await model.note(registry)
            for round in 0..<60 {
                for _ in 0..<Int.random(in: 0..<6, using: &random) {
                    let pause = Int.random(in: 0..<2_000_000, using: &random)
                    registry.clock.advance(by: .milliseconds(pause))
                    try await Self.write(registry, &model, &random)
                }
                // Often whole hours, so that moments and revisions meet.
                let hours = Int.random(in: 0..<30, using: &random)
                let now = registry.clock.now
                let rest = Int(3_600_000 - now.milliseconds % 3_600_000)
                registry.clock.advance(by: .milliseconds(round % 3 == 0 ? rest : 1))
                registry.clock.advance(by: .seconds(hours * 3_600))
                let newest = try await registry.get(Self.path, as: .role(.reader))
                try await Self.compareHead(registry, newest)
                let span = Int(registry.clock.now.milliseconds - start.milliseconds)
                func moment() -> Timestamp? {
                    guard Int.random(in: 0..<3, using: &random) > 0 else { return nil }
                    let hour = Bool.random(using: &random) ? 3_600_000 : 1
                    let offset = Int.random(in: -span / 4...span * 5 / 4, using: &random)
                    return start.adding(.milliseconds(offset / hour * hour))
                }
                let (one, other) = (moment(), moment())
                let isTurned = one.map { one in other.map { one > $0 } ?? false } ?? false
                let (since, until) = isTurned ? (other, one) : (one, other)
                let query = [("since", since), ("until", until)].compactMap { name, time in
                    time.map { "&\(name)=\($0)" }
                }.joined()
                for step in ["hour", "day", "week"] {
                    let answer = try await registry.get("\(Self.path)?step=\(step)\(query)")
                    let expected = model.items(
                        step, since: since, until: until, now: registry.clock.now)
                    #expect(answer.status == 200)
                    #expect(Self.items(answer) == expected, "step=\(step)\(query)")
                }
            }
            let whole = try await registry.get("\(Self.path)?step=hour")
            #expect(whole.items.count > 300)
        }
    }

    @Test func `agrees with lookups at each of its moments`() async throws {
        try await withRegistry { registry in
            registry.clock.advance(by: .seconds(1_800))
            try await registry.registerAll(["a.example.com", "b.example.com"])
            registry.clock.advance(by: .seconds(1_800))
            try await registry.patch("a.example.com", #"{"location":"aws"}"#)
            registry.clock.advance(by: .milliseconds(1))
            try await registry.patch("b.example.com", #"{"location":"aws"}"#)
            let answer = try await registry.get("\(Self.path)?step=hour")
            for item in answer.items {
                let at = try #require(item["at"]?.text)
                var places: [String: Int64] = [:]
                for name in ["a", "b"] {
                    let then = try await registry.get("/v1/domains/\(name).example.com?at=\(at)")
                    if let place = then["location"]?.text { places[place, default: 0] += 1 }
                }
                for count in item["locations"]?.array ?? [] {
                    let place = try #require(count["location"]?.text)
                    #expect(count["domains"]?.number == places[place, default: 0], "\(at)")
                }
            }
            #expect(answer.items.count == 3, "midnight, one o'clock, and a millisecond later")
        }
    }

    @Test func `begins with the first revision, or before it`() async throws {
        try await withRegistry { registry in
            let first = registry.clock.now
            let only = try await registry.get(Self.path)
            let head = try await registry.head()
            #expect(Self.items(only) == ["\(first) \(head): "])
            let before = try await registry.get("\(Self.path)?since=2025-12-30T12:00:00Z")
            #expect(
                Self.items(before) == ["2025-12-31T00:00:00.000Z 0: ", "\(first) \(head): "])
            let past = try await registry.get("\(Self.path)?until=2020-01-01T00:00:00.5Z")
            #expect(Self.items(past) == ["2020-01-01T00:00:00.500Z 0: "])
            let one = try await registry.get(
                "\(Self.path)?since=2020-01-01T00:00:00Z&until=2020-01-01T00:00:00Z")
            #expect(one.items.count == 1)
            let future = try await registry.get("\(Self.path)?since=2030-01-01T00:00:00Z")
            #expect(future.status == 200 && future.items.isEmpty)
            let later = try await registry.get("\(Self.path)?until=2030-01-01T00:00:00Z")
            #expect(Self.items(later) == Self.items(only), "nobody knows more than now")
        }
    }

    @Test(arguments: [
        ("step=month", "?step invalid"), ("step=", "?step invalid"),
        ("since=yesterday", "?since invalid"), ("until=2026-01-32T00:00:00Z", "?until invalid"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "?since conflict"),
        ("since=1900-01-01T00:00:00Z&step=hour", "?since too-many-moments"),
        ("since=0000-01-01T00:00:00Z&step=week", "?since too-many-moments"),
        ("limit=5", "?limit unknown-parameter"),
    ])
    func `refuses what it doesn't understand`(query: String, complaint: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("\(Self.path)?\(query)")
            #expect(answer.isProblem(400, "invalid-request"), "\(answer.text)")
            #expect(answer.complaints == [complaint])
        }
    }

    @Test func `has ten thousand moments, and no more`() async throws {
        try await withRegistry { registry in
            registry.clock.advance(by: .seconds(9_999 * 3_600))
            let full = try await registry.get("\(Self.path)?step=hour")
            #expect(full.items.count == 10_000)
            registry.clock.advance(by: .milliseconds(1))
            let beyond = try await registry.get("\(Self.path)?step=hour")
            #expect(beyond.complaints == ["?step too-many-moments"])
            #expect(try await registry.get("\(Self.path)?step=day").items.count == 418)
            let since = "\(registry.clock.now.adding(.seconds(-9_999 * 3_600)))"
            let last = try await registry.get("\(Self.path)?step=hour&since=\(since)")
            #expect(last.items.count == 10_000)
        }
    }

    @Test func `has so many counts in all, and no more`() async throws {
        try await withRegistry { registry in
            for number in 0..<30 {
                try await registry.send(
                    .PUT, "/v1/locations/l\(number)",
                    json:
                        #"{"upstream":"http://l","accepts_signups":true,"default_for_signups":false}"#
                )
                try await registry.register("n\(number).example.com", location: "l\(number)")
            }
            registry.clock.advance(by: .seconds(8_332 * 3_600))
            let full = try await registry.get("\(Self.path)?step=hour")
            #expect(full.items.count == 8_333 && full.items[0]["locations"]?.array.count == 30)
            registry.clock.advance(by: .seconds(3_600))
            let beyond = try await registry.get("\(Self.path)?step=hour")
            #expect(beyond.complaints == ["?step too-many-moments"])
        }
    }

    private final class Failing: Sendable {
        let isSet = Mutex(false)
    }

    @Test func `reads the log once, whoever asks, and goes on where it was`() async throws {
        let failing = Failing()
        let settings = RegistrySettings.with {
            $0.failure = .storeUnavailable
            $0.isFailing = { _ in false }
            $0.isReadFailing = { failing.isSet.withLock { $0 } }
        }
        try await withRegistry(settings) { registry in
            try await registry.registerAll(Self.names)
            let first = try await registry.get(Self.path)
            failing.isSet.withLock { $0 = true }
            #expect(try await registry.get(Self.path).bytes == first.bytes, "from memory alone")
            failing.isSet.withLock { $0 = false }
            try await registry.send(.DELETE, "/v1/domains/\(Self.names[0])")
            failing.isSet.withLock { $0 = true }
            #expect(try await registry.get(Self.path).isProblem(503, "store-unavailable"))
            failing.isSet.withLock { $0 = false }
            let answers = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<20 {
                    group.addTask { Self.items(try await registry.get(Self.path)) }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            let head = try await registry.head()
            #expect(answers == [["\(registry.clock.now) \(head): japan 15"]])
        }
    }

    @Test func `forgets the log of another epoch`() {
        let log = CountLog()
        var series = log.series(of: Epoch("one"))
        let place = HistoryQuery.Place(revision: Revision(7), position: .max)
        series.add(DomainFlowPart(flow: DomainFlow(), place: place, isLast: true))
        log.keep(series)
        #expect(log.series(of: Epoch("one")).place == place)
        #expect(log.series(of: Epoch("two")).place.revision == .zero)
    }

    /// A node says what its own table has, until it has more; and a client that has seen more waits for it.
    @Test func `never goes beyond what its node has applied`() async throws {
        let settings = RegistrySettings.with {
            $0.engine = .postgres
            $0.followsOthers = false
            $0.http.revisionWait = .milliseconds(50)
        }
        try await withRegistry(settings) { registry in
            try await registry.register("here.example.com")
            let before = try await registry.get(Self.path)
            let other = try await TestStore.anotherNode(of: registry)
            let committed = try await other.commit(
                CommitRequest(
                    .register(NewDomain(fqdn: FQDN(canonical: "there.example.com"))),
                    by: Actor(token: "t", name: "t", role: .admin), requestID: "r"))
            let there = committed.revision.number
            let behind = try await registry.get(Self.path)
            #expect(behind.revision == there - 1)
            #expect(behind.items.last?["revision"]?.number == there - 1)
            #expect(behind.items.last?["locations"] == before.items.last?["locations"])
            let asked = "\(Self.path)?min_revision=\(there)"
            #expect(try await registry.get(asked).isProblem(504, "revision-not-reached"))
            try registry.service.followOthers()
            let named = try #require(NamedRevision("\(there)"))
            try await registry.service.lookups.wait(for: named, within: .seconds(60))
            let late = try await registry.get(asked)
            #expect(late.items.last?["revision"]?.number == there)
            #expect(late.items.last?["locations"]?.array[0]["domains"]?.number == 2)
            await other.close()
        }
    }
}
