import Foundation
import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// Several nodes make the same zone, and secondaries ask any of them.
@Suite("A zone's serial of several nodes", .timeLimit(.minutes(15))) struct ZoneSerialTests {
    private static let zone = FQDN(canonical: "kintone.com")

    private static func content(_ revision: Int64) -> [UInt8] {
        Array(repeating: UInt8(revision), count: 32)
    }

    /// Two nodes, and a log of twenty revisions.
    private func withNodes(
        _ change: (inout PostgresStore.Configuration) -> Void = { _ in },
        _ body: (Node, Node) async throws -> Void
    ) async throws {
        let database = try await TestDatabase()
        let (one, two) = (
            try await Node(database.url, change), try await Node(database.url, change)
        )
        for number in 0..<20 { try await one.run(new("n\(number).example")) }
        try await body(one, two)
        await one.store.close()
        await two.store.close()
        try await database.drop()
    }

    @Test func `is one for one content, whichever node is asked, and new zones too`() async throws {
        try await withNodes { one, two in
            for number in Int64(1)...20 {
                let given = try await withThrowingTaskGroup(of: UInt32?.self) { group in
                    for node in [one, two, one, two, one, two] {
                        group.addTask {
                            try await node.store.zoneSerial(
                                of: FQDN(canonical: "zone\(number / 4).example"),
                                digest: Self.content(number), at: Revision(number), above: 0)?
                                .serial
                        }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(given.count == 1 && !given.contains(nil), "\(number): \(given)")
            }
        }
    }

    /// A node at each revision, in any order: who is first, and who comes too late.
    @Test func `goes up with the revisions, in whatever order nodes ask`() async throws {
        try await withNodes { one, two in
            let given = try await withThrowingTaskGroup(of: (Int64, UInt32?).self) { group in
                for number in (Int64(1)...20).shuffled() {
                    group.addTask {
                        let node = number.isMultiple(of: 2) ? one : two
                        let serial = try await node.store.zoneSerial(
                            of: Self.zone, digest: Self.content(number), at: Revision(number),
                            above: 0)
                        return (number, serial?.serial)
                    }
                }
                return try await group.reduce(into: [(Int64, UInt32?)]()) { $0.append($1) }
            }
            let serials = given.sorted { $0.0 < $1.0 }.compactMap(\.1)
            #expect(serials == serials.sorted() && Set(serials).count == serials.count)
            #expect(given.first { $0.0 == 20 }?.1 == serials.last, "the last one always gets one")
            let behind = try await one.store.zoneSerial(
                of: Self.zone, digest: Self.content(19), at: Revision(19), above: 0)
            #expect(behind == nil)
        }
    }

    @Test func `is the database's time, whatever the node's clock says`() async throws {
        let change: (inout PostgresStore.Configuration) -> Void = { $0.now = nil }
        try await withNodes(change) { one, _ in
            let now = { try await one.store.clocks().now.milliseconds / 1000 }
            let before = try await now()
            let found = try await one.store.zoneSerial(
                of: Self.zone, digest: [1], at: Revision(20), above: 0)
            let serial = Int64(try #require(found).serial)
            #expect(try await (before...now()).contains(serial))
        }
    }
}
