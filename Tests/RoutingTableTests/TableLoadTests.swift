import RegistryModel
import RoutingTable
import TableSamples
import Testing

@Suite("Loading a table") struct TableLoadTests {
    private let table = CompactRoutingTable()

    @Test func `shows nothing before it's finished`() throws {
        let load = table.beginLoad()
        load.add([location(japan), location(aws)])
        load.add([domain(1), domain(2)])
        #expect(throws: RegistryError.notReady) { try table.find(fqdn(1)) }
        load.add([domain(3, at: aws)])
        #expect(load.finish(at: Position(epoch: epoch, revision: Revision(7))))
        #expect(try table.find((1...3).map { fqdn($0) }).value.compactMap { $0 }.count == 3)
        #expect(table.position == Position(epoch: epoch, revision: Revision(7)))
        #expect(try table.statistics().value.locations.map(\.domains) == [1, 2])
    }

    @Test func `leaves the table as it was when it's given up`() throws {
        table.load([domain(1)], revision: 1)
        do {
            let load = table.beginLoad()
            load.add([domain(2)])
        }
        #expect(try table.find([fqdn(1), fqdn(2)]).value == [domain(1), nil])
    }

    @Test func `goes on beside revisions, and then takes their place`() throws {
        table.load([domain(1)], revision: 1)
        let load = table.beginLoad()
        load.add([domain(2)])
        #expect(table.set(domain(3, revision: 2), revision: 2))
        #expect(load.finish(at: Position(epoch: epoch, revision: Revision(5))))
        #expect(try table.find((1...3).map { fqdn($0) }).value == [nil, domain(2), nil])
        #expect(table.set(domain(2, at: aws, revision: 6), revision: 6))
        #expect(try table.find(fqdn(2)).value?.location == aws)
    }

    @Test func `takes the last of two with one name`() throws {
        table.load([domain(1), domain(2), domain(1, at: aws)], revision: 1)
        #expect(try table.find(fqdn(1)).value == domain(1, at: aws))
        #expect(try table.statistics().value.locations.map(\.domains) == [1, 1])
    }

    /// A broken snapshot: the table answers what it was given, and goes on.
    @Test func `answers a domain that is newer than its position`() throws {
        table.load([domain(1, revision: 9)], revision: 3)
        #expect(try table.find(fqdn(1)).value == domain(1, revision: 9))
        #expect(table.set(domain(2, revision: 4), revision: 4))
        #expect(try table.find(fqdn(1)).value == domain(1, revision: 9))
        #expect(table.set(domain(1, at: aws, revision: 5), revision: 5))
        #expect(try table.find(fqdn(1)).value == domain(1, at: aws, revision: 5))
    }

    @Test func `wakes who waits for its revision`() async {
        async let reached = table.reaches(Revision(3), within: .seconds(3_600))
        await Task.yield()
        #expect(table.beginLoad().finish(at: Position(epoch: epoch, revision: Revision(3))))
        #expect(await reached)
    }
}
