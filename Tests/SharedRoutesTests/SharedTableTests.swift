import Foundation
import RegistryModel
import RoutingTable
import TableSamples
import Testing

@testable import SharedRoutes

@Suite("A shared table") struct SharedTableTests {
    private static func compare(
        _ reader: RoutesReader, _ model: TableModel, names: Int
    ) throws {
        for number in 0..<names {
            let name = model.name(number)
            let found = reader.find(name.text)
            try #require(found == expected(model.domains[name]), "\(name) at \(model.revision)")
        }
        let status = try #require(reader.status())
        try #require(status.position == at(model.revision))
        try #require(status.domains == model.domains.count)
    }

    /// Through files that are full, and changes that come to nothing.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `says what the table says, revision by revision`(seed: UInt64) throws {
        let folder = try RoutesFolder()
        var model = TableModel(seed: seed, names: 3_000)
        let shared = try folder.share()
        shared.load([], locations: [location(japan), location(aws)], at: at(0))
        let reader = try folder.reader()
        let first = try #require(reader.status()).bytes
        for step in 1...600 {
            if step % 7 == 0 {
                // A page that was read and never applied.
                var other = model
                shared.beginStage().add(other.next(size: 30))
            }
            let changes = model.next(size: 40)
            #expect(shared.apply(changes))
            #expect(shared.covers(at(model.revision)))
            if step % 25 == 0 { try Self.compare(reader, model, names: 3_000) }
        }
        #expect(try #require(reader.status()).bytes > first)
        try Self.compare(folder.reader(), model, names: 3_000)
    }

    /// The table from the disk is ten revisions older than the file.
    @Test func `is gone on with by the next agent`() throws {
        let folder = try RoutesFolder()
        var model = TableModel(seed: 4, names: 500)
        var agent: SharedTable? = try folder.share()
        agent?.load([], locations: [location(japan), location(aws)], at: at(0))
        let reader = try folder.reader()
        let inode = folder.inode
        for _ in 1...20 {
            for _ in 1...20 { #expect(agent?.apply(model.next(size: 10)) == true) }
            let old = model
            let missed = (1...10).map { _ in model.next(size: 10) }
            for changes in missed { #expect(agent?.apply(changes) == true) }
            agent = nil
            let table = CompactRoutingTable()
            let next = try folder.share(table)
            #expect(next.covers(at(model.revision)))
            next.load(
                Array(old.domains.values), locations: old.places.map { location($0) },
                at: at(old.revision))
            try Self.compare(reader, model, names: 500)
            for changes in missed { #expect(next.apply(changes)) }
            try Self.compare(reader, model, names: 500)
            #expect(folder.inode == inode)
            agent = next
        }
    }

    @Test func `answers routes at once, and never goes back behind what was left`() throws {
        let folder = try RoutesFolder()
        var model = TableModel(seed: 5, names: 100)
        var agent: SharedTable? = try folder.share()
        agent?.load([], locations: [location(japan), location(aws)], at: at(0))
        for _ in 1...20 { #expect(agent?.apply(model.next(size: 10)) == true) }
        let old = model
        let missed = (1...10).map { _ in model.next(size: 10) }
        for changes in missed { #expect(agent?.apply(changes) == true) }
        agent = nil

        let next = try folder.share()
        func compare() throws {
            for number in 0..<100 {
                let read = try next.route(fqdn(number))
                let domain = model.domains[fqdn(number)]
                #expect(read.value?.location == domain?.location)
                #expect(read.value?.revision == domain?.revision)
                #expect(read.revision.number == model.revision && read.epoch == epoch)
            }
            #expect(try next.route(nil).value == nil)
            #expect(next.routePosition == at(model.revision))
        }
        try compare()
        #expect(next.position == nil)
        #expect(throws: RegistryError.notReady) { try next.find(fqdn(1)) }
        next.load(
            Array(old.domains.values), locations: old.places.map { location($0) },
            at: at(old.revision))
        next.started()
        try compare()
        #expect(next.position == at(old.revision))
        for changes in missed {
            #expect(next.apply(changes))
            try compare()
        }
        #expect(next.apply(model.next(size: 10)))
        try compare()
        #expect(next.position == next.routePosition)
    }

    @Test func `shows nothing of a revision that isn't applied`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load((0..<50).map { domain($0) }, revision: 1)
        let reader = try folder.reader()
        let stage = shared.beginStage()
        for number in 0..<100 { stage.set(domain(number, at: aws, mode: .reject, revision: 2)) }
        stage.remove(fqdn(7), at: Revision(2))
        stage.change(
            .set(location(aws, upstream: "http://elsewhere", revision: 2)), at: Revision(2))
        for number in 0..<100 {
            let before = number < 50 ? domain(number) : nil
            #expect(reader.find(fqdn(number).text) == expected(before))
        }
        // What somebody who is killed here leaves is whole at revision 1.
        try folder.write(try folder.bytes(), to: folder.other("copy"))
        let next = try RoutesWriter(path: folder.other("copy"))
        #expect(next.position == at(1))
        let other = try RoutesReader(path: folder.other("copy"))
        #expect(other.find(fqdn(3).text) == expected(domain(3)))
        #expect(other.find(fqdn(70).text) == .unknown)

        #expect(stage.apply(after: Revision(1), through: Revision(2)))
        #expect(reader.find(fqdn(7).text) == .unknown)
        guard case .found(let route) = reader.find(fqdn(70).text) else {
            Issue.record("it isn't there")
            return
        }
        #expect(route.upstream == "http://elsewhere" && route.mode == .reject)
    }

    @Test func `has one writer`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        #expect(throws: SharedRoutesFailure.self) { try folder.share() }
        withExtendedLifetime(shared) {}
    }

    /// Whether the agent lives or not: by the lease's end, which is in the file.
    @Test func `answers announced domains as frozen when its lease is over`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        var announced = domain(1)
        announced.placement.fence = .readOnly
        shared.load([announced, domain(2)], revision: 1)
        let reader = try folder.reader()
        func isFenced() throws -> Bool {
            guard case .found(let route) = reader.find(fqdn(1).text),
                case .found(let other) = reader.find(fqdn(2).text)
            else { throw SharedRoutesFailure("a domain isn't there") }
            #expect(route.mode == (route.isFenced ? .readOnly : .serve))
            #expect(other.mode == .serve && !other.isFenced)
            return route.isFenced
        }
        #expect(try isFenced(), "nobody has had a lease yet")
        shared.lease(until: RoutesHandle.now() + 60_000)
        #expect(try !isFenced())
        // Another file has it too.
        shared.load([announced, domain(2)] + (3..<6_000).map { domain($0) }, revision: 2)
        #expect(try !isFenced())
        shared.lease(until: RoutesHandle.now())
        #expect(try isFenced())
        // Nobody gives such leases: it's of a clock that has begun anew.
        shared.lease(until: RoutesHandle.now() + 86_400_000)
        #expect(try isFenced())
        shared.neverFence()
        #expect(try !isFenced())
    }
}
