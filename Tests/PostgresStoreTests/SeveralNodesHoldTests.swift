import RegistryModel
import Synchronization
import Testing

@Suite("Holds on several nodes", .timeLimit(.minutes(15))) struct SeveralNodesHoldTests {
    private static let start = Timestamp(milliseconds: 1_592_697_600_000)

    private static func actor(_ token: String, _ role: Role = .registrar) -> Actor {
        Actor(token: token, name: "signup", role: role)
    }

    private static func commit(
        _ command: Command, _ actor: Actor, on node: Node
    ) async throws(RegistryError) -> Committed {
        try await node.store.commit(CommitRequest(command, by: actor, requestID: "r"))
    }

    /// As the service does: what is over is noted first.
    private static func wins(_ command: Command, _ actor: Actor, on node: Node) async -> Bool {
        while true {
            do throws(RegistryError) {
                _ = try await commit(command, actor, on: node)
                return true
            } catch .holdsAreOver(let names) {
                _ = try? await commit(.expireHolds(names), .system, on: node)
            } catch {
                return false
            }
        }
    }

    /// The nodes' clocks are apart, and the end of each hold lies between them.
    @Test func `are won by one, whichever nodes are asked at the same moment`() async throws {
        let database = try await TestDatabase()
        let now = Mutex(Self.start)
        var nodes: [Node] = []
        for skew in [0, 1_000, 2_000] {
            nodes.append(
                try await Node(database.url) { configuration in
                    configuration.now = { now.withLock(\.self).adding(.milliseconds(skew)) }
                })
        }
        let (holder, other) = (Self.actor("holder"), Self.actor("other"))
        var outcomes: Set<String> = []
        for round in 0..<30 {
            let name = FQDN(canonical: "held-\(round).example")
            let wanted = NewDomain(fqdn: name, tenant: "tenant-\(round)")
            _ = try await Self.commit(.hold(wanted, for: .seconds(60)), holder, on: nodes[0])
            now.withLock { $0 = $0.adding(.milliseconds(57_500 + Int(round % 3) * 1_000)) }
            let racers: [(Command, Actor)] = [
                (.activate(name), holder), (.activate(name), holder),
                (.activate(name), Self.actor("boss", .operator_)), (.activate(name), other),
                (.release(name, ifMatch: nil), holder), (.expireHolds(nil), .system),
                (.hold(wanted, for: .seconds(60)), other),
                (.register(NewDomain(fqdn: name, tenant: "rival")), other),
            ]
            await withTaskGroup(of: Void.self) { [nodes] group in
                for (index, racer) in racers.shuffled().enumerated() {
                    group.addTask { _ = await Self.wins(racer.0, racer.1, on: nodes[index % 3]) }
                }
            }
            let lines = try await nodes[round % 3].store.history(
                HistoryQuery(fqdn: name, order: .ascending, limit: 100)
            ).value.items
            let actions = lines.map(\.change.action)
            #expect(actions.first == .held)
            for (before, after) in zip(actions, actions.dropFirst()) {
                let isHeld = before == .held
                let isFree = [.holdReleased, .holdExpired].contains(before)
                #expect(
                    isHeld && [.holdReleased, .holdExpired, .registered].contains(after)
                        || isFree && [.held, .registered].contains(after), "\(actions)")
            }
            // Nobody but the holder and an operator makes a domain of a hold.
            for (before, after) in zip(lines, lines.dropFirst())
            where before.change.action == .held && after.change.action == .registered {
                let by = after.header.actor
                #expect(by.token == before.header.actor.token || by.role == .operator_)
            }
            outcomes.insert(actions.map(\.rawValue).joined(separator: " "))
            now.withLock { $0 = $0.adding(.seconds(120)) }
            _ = try? await Self.commit(.expireHolds(nil), .system, on: nodes[2])
        }
        #expect(outcomes.count > 1, "\(outcomes)")
        let head = try await nodes[0].store.head()
        for node in nodes {
            try await node.reaches(head.revision)
            #expect(node.told.all == (try await node.store.changes(after: .zero, limit: 10_000)))
        }
        #expect(try await nodes[1].store.verify(nil) { _ in }.isGood)
        for node in nodes { await node.store.close() }
        try await database.drop()
    }
}
