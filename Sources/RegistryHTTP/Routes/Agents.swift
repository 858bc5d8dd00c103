import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/agents` and `/v1/convergence`: who has which revision.
struct AgentRoutes: Sendable {
    var options = HTTPOptions()

    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let evicted = query.value("evicted", "true or false") { Bool($0) } ?? false
        let (limit, after) = try query.page(Cursor.agent)
        let read = try await call.service.agents(evicted: evicted, after: after, limit: limit)
        return call.list(read, as: ListedAgent.init) { $0.record.name.text }
    }

    /// What an agent has applied.
    @Sendable func report(_ call: RegistryCall) async throws -> EndpointResponse {
        var object = try call.object()
        let request = ReportRequest(reading: &object)
        let applied = request?.applied
        guard let name = AgentName(new: call.parameter("name")) else {
            throw Problem.invalid("name", "\(AgentName.expected) is expected")
        }
        try object.finishOrThrow()
        if let applied { try await call.service.feedReaches(applied, within: options.revisionWait) }
        // Heard before anything is refused: who has to begin anew is there, and has nothing.
        // Without a run nobody knows which process it was that was answered.
        let run = request?.fences == true ? request?.run : nil
        let lease = try await call.service.report(
            name, applied: applied, fences: run, by: call.caller)
        let head = try call.service.feedHead(after: applied ?? call.service.position())
        let answer = ReportResponse(
            head: max(head.revision, lease?.head ?? head.revision), fenceAfter: lease?.length)
        return .json(answer, at: head.revision)
    }

    @Sendable func evict(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        let text = call.parameter("name")
        // A name that no agent can have names none.
        guard let name = AgentName(text) else { throw RegistryError.unknownAgent(text) }
        let isReplay = try await call.service.evict(name, call.writing(note))
        let response = EndpointResponse.empty(.noContent)
        return isReplay ? response.with(.idempotencyReplayed, "true") : response
    }

    @Sendable func convergence(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let revision = query.revision("revision")
        let seconds = query.seconds("wait")
        try query.finish()
        // HEAD asks whether the endpoint is there, not for minutes of waiting.
        let limit = call.request.method == .head ? .zero : seconds ?? .zero
        return .json(try await call.service.convergence(atKnown: revision, within: limit))
    }
}

extension QueryReader {
    /// How long an answer may wait for agents: 0–300 s.
    mutating func seconds(_ name: String) -> Duration? {
        value(name, "a number of seconds from 0 to 300") { text in
            Double(text).flatMap { (0...300).contains($0) ? .milliseconds(Int($0 * 1000)) : nil }
        }
    }
}

extension ListedAgent {
    init(_ agent: AgentStanding) {
        let ahead = agent.record.ahead.flatMap { $0.epoch == agent.epoch ? $0.revision : nil }
        self.init(
            name: agent.record.name, epoch: agent.epoch, revision: agent.revision, lag: agent.lag,
            lastSeen: agent.record.lastSeen, isLagging: agent.isLagging, ahead: ahead,
            eviction: agent.record.eviction)
    }
}
