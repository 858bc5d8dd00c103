import RegistryModel
import Testing

extension HoldContract {
    /// The end of the hold comes while everybody wants something else of it.
    @Test(arguments: StoreUnderTest.all)
    func `is won by one, whoever comes at the same moment`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            var outcomes: Set<String> = []
            for round in 0..<20 {
                let text = "race-\(round).example"
                let name = fqdn(text)
                let held = try await hold(session, text)
                let last = held.heldUntil.adding(.milliseconds(-1))
                session.clock.change { $0 = round % 2 == 0 ? last : held.heldUntil }
                let commands: [(Command, Actor)] = [
                    (.activate(name), .registrar), (.activate(name), .tester),
                    (.release(name, ifMatch: nil), .registrar), (.expireHolds([name]), .system),
                    (.expireHolds(nil), .system),
                    (.hold(NewDomain(fqdn: name), for: .seconds(60)), .otherRegistrar),
                    (.register(NewDomain(fqdn: name)), .otherRegistrar),
                ]
                await withTaskGroup(of: Void.self) { group in
                    for (command, actor) in commands.shuffled() {
                        group.addTask { await Self.insist(command, actor, session) }
                    }
                }
                let lines = try await session.store.history(
                    HistoryQuery(fqdn: name, order: .ascending)
                ).value.items.map(\.change.action)
                #expect(lines.first == .held)
                // Each begins where the one before has ended: held or a domain, and never both.
                for (before, after) in zip(lines, lines.dropFirst()) {
                    switch before {
                    case .held:
                        let isEnd = after.isOfHold && after != .held
                        #expect(isEnd || after == .registered, "\(lines)")
                    case .holdReleased, .holdExpired:
                        #expect(after == .held || after == .registered, "\(lines)")
                    default: #expect(after == .released, "\(lines)")
                    }
                }
                let isLive = try await session.live(text) != nil
                let isHeld = try await session.store.standing(of: name).value
                #expect(!isLive || isHeld == .live)
                outcomes.insert(lines.map(\.rawValue).joined(separator: " "))
            }
            #expect(outcomes.count > 1)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    /// As the service does: what is over is noted first.
    private static func insist(
        _ command: Command, _ actor: Actor, _ session: StoreSession
    ) async {
        while true {
            do throws(RegistryError) {
                try await session.commit(command, by: actor)
                return
            } catch .holdsAreOver(let names) {
                _ = try? await session.commit(.expireHolds(names), by: .system)
            } catch {
                return
            }
        }
    }
}
