import RegistryModel
import RoutingTable
import TableSamples
import TestRandom
import Testing

@Suite("A routing table") struct CompactRoutingTableTests {
    private let table = CompactRoutingTable()

    @Test func `says that it isn't ready before it has been loaded, never unknown`() async {
        #expect(table.position == nil)
        #expect(throws: RegistryError.notReady) { try table.find(fqdn(1)) }
        #expect(throws: RegistryError.notReady) { try table.find([fqdn(1)]) }
        #expect(throws: RegistryError.notReady) { try table.find([]) }
        #expect(throws: RegistryError.notReady) { try table.route(fqdn(1)) }
        #expect(throws: RegistryError.notReady) { try table.statistics() }
        #expect(!table.set(domain(1), revision: 1), "a change can't be the beginning")
        #expect(table.position == nil)
        #expect(await !table.reaches(.zero, within: .zero))
    }

    @Test func `answers from an empty store once that is loaded`() throws {
        table.load([], revision: 0)
        let read = try table.find(fqdn(1))
        #expect(read.value == nil)
        #expect(read.revision == .zero)
    }

    @Test func `applies revisions in order`() throws {
        table.load([domain(1)], revision: 1)
        #expect(table.set(domain(2, revision: 2), revision: 2))
        #expect(table.set(domain(1, at: aws, revision: 3), revision: 3))
        #expect(
            table.apply(RevisionChanges(revision: Revision(4), domains: [.gone(fqdn(2))])))
        #expect(table.apply(RevisionChanges(revision: Revision(5))), "a revision of tokens alone")

        let read = try table.find([fqdn(2), fqdn(1), fqdn(3), fqdn(1)])
        let moved = domain(1, at: aws, revision: 3)
        #expect(read.value == [nil, moved, nil, moved])
        #expect(read.revision == Revision(5))
        #expect(table.position == Position(epoch: epoch, revision: Revision(5)))
    }

    @Test func `refuses a gap and applies nothing of it`() throws {
        table.load([domain(1)], revision: 1)
        #expect(!table.set(domain(1, at: aws, revision: 3), revision: 3))
        #expect(try table.find(fqdn(1)).value == domain(1))
        #expect(table.position?.revision == Revision(1))
        #expect(table.set(domain(2, revision: 2), revision: 2), "the right one still fits")
    }

    @Test(arguments: [1, 2] as [Int64])
    func `passes over what it already has`(revision: Int64) throws {
        table.load([domain(1, revision: 2)], revision: 2)
        #expect(table.set(domain(1, at: aws, revision: revision), revision: revision))
        #expect(try table.find(fqdn(1)).value == domain(1, revision: 2))
        #expect(table.position?.revision == Revision(2))
    }

    @Test func `gives a proxy the upstream of the location`() throws {
        table.load([domain(1)], revision: 1)
        #expect(try table.route(fqdn(1)).value?.upstream?.text == "http://japan.internal")
        #expect(try table.route(fqdn(2)).value == nil)
        let changed = location(japan, upstream: "http://new", revision: 2)
        #expect(
            table.apply(RevisionChanges(revision: Revision(2), locations: [.set(changed)])))
        let read = try table.route(fqdn(1))
        let target = RouteTarget(
            location: japan, mode: .serve, revision: Revision(1),
            upstream: UpstreamURL("http://new"))
        #expect(read.value == target)
        #expect(read.revision == Revision(2))
    }

    @Test func `is replaced as a whole by loading`() throws {
        table.load([domain(1), domain(2)], revision: 9)
        table.load(
            [domain(3)], locations: [location(japan)],
            at: Position(epoch: Epoch("other"), revision: Revision(4)))
        #expect(try table.find([fqdn(1), fqdn(2)]).value == [nil, nil])
        #expect(table.position?.description == "other.4")
        #expect(
            try table.statistics().value
                == TableStatistics(
                    total: 1, locations: [.init(name: japan, domains: 1, notServed: 0)]))
    }

    @Test(arguments: [21, 22, 23] as [UInt64])
    func `counts as a plain model counts, after any operations`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var model: [FQDN: Domain] = [:]
        var places = [japan, aws]
        table.load([], revision: 0)
        for revision in 1...3_000 as ClosedRange<Int64> {
            var changes = RevisionChanges(revision: Revision(revision))
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let number = Int.random(in: 0..<60, using: &random)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    changes.domains.append(.gone(fqdn(number)))
                    model[fqdn(number)] = nil
                } else {
                    let new = domain(
                        number, at: places.randomElement(using: &random) ?? japan,
                        mode: Mode.allCases.randomElement(using: &random) ?? .serve,
                        revision: revision)
                    changes.domains.append(.set(new))
                    model[fqdn(number)] = new
                }
            }
            if revision.isMultiple(of: 500) {
                let name = LocationName(canonical: "place-\(revision)")
                places.append(name)
                changes.locations.append(.set(location(name)))
            }
            #expect(table.apply(changes))
            if revision.isMultiple(of: 50) {
                try expect(table, holds: model, places: places, at: Revision(revision))
            }
        }
    }

    private func expect(
        _ table: CompactRoutingTable, holds model: [FQDN: Domain], places: [LocationName],
        at revision: Revision
    ) throws {
        let locations = places.sorted().map { name in
            let there = model.values.filter { $0.location == name }
            return TableStatistics.OfLocation(
                name: name, domains: there.count, notServed: there.count { $0.mode != .serve })
        }
        let statistics = try table.statistics()
        #expect(
            statistics.value == TableStatistics(total: model.count, locations: locations))
        #expect(statistics.revision == revision)
        let names = (0..<60).map { fqdn($0) }
        #expect(try table.find(names).value == names.map { model[$0] })
    }

    @Test func `forgets a location that is gone, and counts it from none when it is back`() throws {
        table.load([domain(1, at: aws)], revision: 1)
        #expect(
            table.apply(
                RevisionChanges(
                    revision: Revision(2), domains: [.gone(fqdn(1))], locations: [.gone(aws)])))
        #expect(try table.statistics().value.locations.map(\.name) == [japan])
        #expect(
            table.apply(RevisionChanges(revision: Revision(3), locations: [.set(location(aws))])))
        #expect(try table.statistics().value.locations.map(\.domains) == [0, 0])
    }
}
