import RegistryModel
import Testing

// Several clients at once: each revision is one that the model makes too, in the order of the revisions, and each refusal is
// one that the model gives somewhere between what the clients saw and what they left.

extension WaveTrial {
    private struct Sent {
        var command: Command
        var actor: Actor
        var requestID: String
        var answer: Result<Committed, RegistryError>
    }

    /// - Parameter clients: how many send a command each, in each round.
    mutating func run(rounds: Int, clients: Int) async throws {
        for round in 1...rounds {
            session.pass(commands.pause())
            model.now = session.clock.value
            try await thawWhatIsDue()
            let wanted = (0..<clients).map { _ in
                let command = commands.next(in: model)
                return (command, commands.actor(of: command))
            }
            try await replay(await send(wanted))
            if round % 20 == 0 { try await check() }
        }
        try await check()
    }

    private func send(_ wanted: [(command: Command, actor: Actor)]) async -> [Sent] {
        await withTaskGroup(of: [Sent].self) { [session] group in
            for (client, (command, actor)) in wanted.enumerated() {
                group.addTask { await Self.insist(command, actor, session, "client-\(client)") }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// As the service does: what is over is noted first.
    private static func insist(
        _ command: Command, _ actor: Actor, _ session: StoreSession, _ client: String
    ) async -> [Sent] {
        var sent: [Sent] = []
        func send(_ command: Command, _ actor: Actor) async -> Result<Committed, RegistryError> {
            let id = "\(client)-\(sent.count)"
            let answer = await session.answer(to: command, by: actor, requestID: id)
            sent.append(Sent(command: command, actor: actor, requestID: id, answer: answer))
            return answer
        }
        while case .failure(.holdsAreOver(let names)) = await send(command, actor) {
            _ = await send(.expireHolds(names), .system)
        }
        return sent
    }

    /// Gives the model what the clients have sent, in the order in which the store has taken it.
    private mutating func replay(_ sent: [Sent]) async throws {
        let items = try await session.store.history(
            HistoryQuery(
                order: .ascending,
                after: HistoryQuery.Place(revision: model.revision, position: .max),
                limit: 1_000_000)
        ).value.items
        let writers = Dictionary(
            items.map { ($0.header.revision, $0.header.requestID) },
            uniquingKeysWith: { id, _ in id })
        var byID = Dictionary(uniqueKeysWithValues: sent.map { ($0.requestID, $0) })
        let before = model
        var states = [model]
        for revision in writers.keys.sorted() {
            let id = try #require(writers[revision])
            let found = byID.removeValue(forKey: id)
            let writer = try #require(found)
            try #require(revision == model.next)
            let digest = try planned(writer.command)
            let verdict = model.take(writer.command, by: writer.actor)
            try compare(verdict, writer.answer, writer.command, digest)
            states.append(model)
            var early = before
            if case .refused = early.take(writer.command, by: writer.actor) {
                tally["made possible by another", default: 0] += 1
            }
        }
        for other in byID.values {
            switch other.answer {
            case .success(let committed):
                model = try #require(states.first { $0.revision == committed.revision })
                let digest = try planned(other.command)
                let verdict = model.take(other.command, by: other.actor)
                try compare(verdict, other.answer, other.command, digest)
            case .failure(let error):
                let refusal = Refusal(error)
                let places = states.indices.filter { index in
                    var state = states[index]
                    guard case .refused(let said) = state.take(other.command, by: other.actor)
                    else { return false }
                    return said == refusal
                }
                try #require(!places.isEmpty, "\(other.command): \(error)")
                if !places.contains(0) { tally["refused for another", default: 0] += 1 }
                tally[refusal.code, default: 0] += 1
            }
        }
        model = states[states.count - 1]
    }
}

extension StoreSession {
    func answer(
        to command: Command, by actor: Actor, requestID: String = "request",
        key: IdempotencyKey? = nil
    ) async -> Result<Committed, RegistryError> {
        do throws(RegistryError) {
            return .success(try await commit(command, by: actor, requestID: requestID, key: key))
        } catch {
            return .failure(error)
        }
    }
}
