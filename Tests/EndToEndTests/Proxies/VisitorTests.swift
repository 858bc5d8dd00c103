import Foundation
import Testing

/// What visitors get of each proxy with the configuration that comes with the service, the expectations
/// written once.
@Suite("Visitors of a proxy") struct VisitorTests {
    @Test(arguments: EdgeKind.allCases)
    func `get what is theirs, whatever they send`(kind: EdgeKind) async throws {
        let edge = try await Edge.start(kind)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<3 {
                group.addTask {
                    for index in stride(from: part, to: VisitorRow.all.count, by: 3) {
                        try await Self.check(VisitorRow.all[index], edge)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await edge.stop()
    }

    private static func check(_ row: VisitorRow, _ edge: Edge) async throws {
        guard edge.kind.exception(row.name) == nil else { return }
        let page = try await edge.visitor.send(
            row.method, to: row.path, ["Host: \(row.host)"] + row.fields, body: row.body)
        let fault = row.fault(page, from: edge.kind.addresses)
        #expect(fault == nil, "\(row.name): \(fault ?? "")")
    }

    @Test(arguments: EdgeKind.allCases)
    func `speak by WebSocket where they're served, and nowhere else`(kind: EdgeKind) async throws {
        let edge = try await Edge.start(kind)
        let served = await edge.visitor.openWebSocket(at: "a.kintone.com", saying: "hello")
        #expect(served.status == 101 && served.said == "hello", "\(served)")
        for host in ["r.kintone.com", "x.kintone.com"] {
            let refused = await edge.visitor.openWebSocket(at: host, saying: "hello")
            #expect(refused.status == 503, "\(host): \(refused)")
        }
        let nobody = await edge.visitor.openWebSocket(at: "nobody.kintone.com", saying: "hello")
        #expect(nobody.status == 404, "\(nobody)")
        try await edge.stop()
    }
}
