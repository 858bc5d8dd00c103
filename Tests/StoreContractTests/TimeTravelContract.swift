import RegistryModel
import TestRandom
import Testing

@Suite("The log, read back") struct TimeTravelContract {
    /// The state after each revision, kept beside the store.
    struct Model {
        var states: [[FQDN: Domain]] = [[:]]
        var locations: [[LocationName: Location]]

        mutating func apply(_ changes: RevisionChanges) {
            var state = states.last ?? [:]
            var places = locations.last ?? [:]
            for change in changes.domains {
                switch change {
                case .set(let domain): state[domain.fqdn] = domain
                case .gone(let fqdn): state[fqdn] = nil
                }
            }
            for change in changes.locations {
                switch change {
                case .set(let location): places[location.name] = location
                case .gone(let name): places[name] = nil
                }
            }
            states.append(state)
            locations.append(places)
        }
    }

    static let names = (0..<12).map { "d\($0).example" }

    private static func randomCommand(_ random: inout SeededRandom) -> Command {
        let name = fqdn(names.randomElement(using: &random) ?? "d0.example")
        let place = [japan, aws].randomElement(using: &random) ?? japan
        let mode = Mode.allCases.randomElement(using: &random) ?? .serve
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: return .register(NewDomain(fqdn: name, location: place))
        case 2:
            return .registerBatch(
                names.shuffled(using: &random).prefix(5).map {
                    .wanted(
                        NewDomain(
                            fqdn: fqdn($0), location: place, tenant: "batch", allowsSplit: true))
                })
        case 3, 4:
            return .change(
                name, DomainPatch(location: place, mode: mode, allowsSplit: true), ifMatch: nil)
        case 5: return .release(name, ifMatch: nil)
        case 6: return .restore(name)
        case 7: return .putLocation(place, settings("http://h\(mode)", isDefault: true))
        default: return .createToken(token("t\(UInt64.random(in: 0 ... .max, using: &random))"))
        }
    }

    /// Writes at random, and builds the model from what each command answered to its observer.
    static func write(
        _ count: Int, to session: StoreSession, seed: UInt64
    ) async throws -> Model {
        let locations = try await Snapshot(of: session.store).locations
        var random = SeededRandom(seed: seed)
        for _ in 0..<count {
            session.pass(.milliseconds(Int.random(in: 0...20_000, using: &random)))
            do throws(RegistryError) {
                try await session.commit(randomCommand(&random))
            } catch {
                #expect(error != .inconsistent && error != .storeFailed)
            }
        }
        var model = Model(
            locations: [Dictionary(uniqueKeysWithValues: locations.map { ($0.name, $0) })])
        for changes in session.observed.value { model.apply(changes) }
        return model
    }

    @Test(arguments: StoreUnderTest.all, [31, 32] as [UInt64])
    func `answers for every domain at every revision, as a plain model does`(
        engine: StoreUnderTest, seed: UInt64
    ) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let model = try await Self.write(250, to: session, seed: seed)
            #expect(model.states.count > 100)
            for (number, state) in model.states.enumerated() {
                for name in Self.names {
                    let found = try await session.store.domain(
                        fqdn(name), at: Revision(Int64(number)))
                    #expect(found == state[fqdn(name)], "\(name) at \(number)")
                }
            }
            let head = try await session.store.head().revision
            #expect(head.number == Int64(model.states.count - 1))
            await #expect(throws: RegistryError.unknownRevision(head.next, head: head)) {
                try await session.store.domain(fqdn("d0.example"), at: head.next)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all, [1, 3, 1_000])
    func `leads a copy through the same states, whole revisions at a time`(
        engine: StoreUnderTest, limit: Int
    ) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let model = try await Self.write(250, to: session, seed: 33)
            let head = try await session.store.head().revision
            var copy = Model(locations: [model.locations[0]])
            var at = Revision.zero
            while at < head {
                let batch = try await session.store.changes(after: at, limit: limit)
                let counts = batch.map { $0.domains.count + $0.locations.count + $0.tokens.count }
                #expect(!batch.isEmpty)
                #expect(counts.dropLast().reduce(0, +) < limit, "a target, crossed at most once")
                for changes in batch {
                    #expect(changes.revision == at.next)
                    copy.apply(changes)
                    at = at.next
                }
            }
            #expect(copy.states == model.states)
            #expect(copy.locations == model.locations)
            #expect(try await session.store.changes(after: head, limit: limit).isEmpty)
            await #expect(throws: RegistryError.unknownRevision(head.next, head: head)) {
                try await session.store.changes(after: head.next, limit: limit)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `gives observers what it gives followers`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            _ = try await Self.write(150, to: session, seed: 34)
            let changes = try await session.store.changes(after: .zero, limit: 100_000)
            #expect(changes == session.observed.value)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `and the snapshot are one state`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let model = try await Self.write(150, to: session, seed: 35)
            let snapshot = try await Snapshot(of: session.store)
            let state = try #require(model.states.last)
            #expect(snapshot.domains == state.values.sorted { $0.fqdn < $1.fqdn })
            #expect(snapshot.domains == (try await session.allDomains()))
            #expect(
                snapshot.locations.sorted { $0.name < $1.name }
                    == model.locations.last?.values.sorted { $0.name < $1.name })
            #expect(snapshot.head == (try await session.store.head()))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is snapshot in pieces, each domain once, by name`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let names = (0..<10_000).map { "n\($0).example" }
            try await session.commit(
                .registerBatch(names.map { .wanted(NewDomain(fqdn: fqdn($0))) }))
            let snapshot = try await Snapshot(of: session.store)
            #expect(snapshot.domains.map(\.fqdn.text) == names.sorted())
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `stays what it was when the store is opened again`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            _ = try await Self.write(50, to: session, seed: 36)
            let head = try await session.store.head()
            let log = try await session.log()
            let domains = try await session.allDomains()
            let again = try await session.reopened()
            #expect(try await again.store.head() == head)
            #expect(try await again.log() == log)
            #expect(try await again.allDomains() == domains)
            let committed = try await again.commit(new("new.example"))
            #expect(committed.revision == head.revision.next)
            #expect(try await again.store.head().epoch == head.epoch)
            await again.store.close()
        }
        try await engine.run { one in
            try await engine.run { other in
                let epochs = (try await one.store.head().epoch, try await other.store.head().epoch)
                #expect(epochs.0 != epochs.1, "each store has an identity of its own")
            }
        }
    }
}
