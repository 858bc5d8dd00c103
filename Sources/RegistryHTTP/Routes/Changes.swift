import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/changes`: the log as copies of the routing table follow it, by long polls or as events.
struct ChangesRoutes: Sendable {
    static let types = EndpointID.listChanges.declaration.produces

    let options: HTTPOptions
    private let metrics = FeedMetrics()

    @Sendable func changes(_ call: RegistryCall) async throws -> EndpointResponse {
        let type = ContentNegotiation.choice(of: Self.types, call.request.headers) ?? .json
        let query = try FeedQuery(call, resumes: type == .eventStream)
        if query.isOfUnknownEpoch { try await call.service.checkHasOneEpoch() }
        try await call.service.feedReaches(query.position, within: options.revisionWait)
        // Heard before anything is refused: who has to begin anew is there, and has nothing.
        let isTurnedAway = try await !Self.hear(query, call.service, by: call.caller)
        // Refused before the head of an answer is out.
        let head = try call.service.feedHead(after: query.position)
        var response =
            type == .json
            ? try await page(call, query) : try events(call, query, head: head.revision)
        if isTurnedAway { response.headers[.registryReport] = "too-many-agents" }
        response.headers[.vary] = "Accept"
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// - Returns: false where there's no room for the agent's name. What it follows doesn't hang on that:
    ///   convergence says that there are agents which aren't counted.
    private static func hear(
        _ query: FeedQuery, _ service: RegistryService, by caller: Caller
    ) async throws -> Bool {
        guard let agent = query.agent else { return true }
        do throws(RegistryError) {
            try await service.report(agent, applied: query.applied, by: caller)
            return true
        } catch {
            guard case .tooManyAgents = error else { throw error }
            return false
        }
    }

    private func events(_ call: RegistryCall, _ query: FeedQuery, head: Revision) throws
        -> EndpointResponse
    {
        var response = EndpointResponse(revision: head)
        response.headers[.contentType] = MediaType.eventStream.rawValue
        // nginx would collect events before it passes them on.
        response.headers[.xAccelBuffering] = "no"
        let stream = EventStreamWriter(
            service: call.service, query: query, caller: call.caller,
            interval: options.heartbeat, metrics: metrics)
        response.stream = { write in try await stream.run(write) }
        return response
    }

    private func page(_ call: RegistryCall, _ query: FeedQuery) async throws -> EndpointResponse {
        var range = try await range(call, query)
        if range.isEmpty, query.wait > .zero, call.request.method != .head {
            await wait(call.service, query)
            range = try await self.range(call, query)
        }
        metrics.count(range)
        let text = FeedText(service: call.service)
        var response = EndpointResponse.json([], at: range.head)
        if range.isSmall {
            var body: [UInt8] = []
            try await text.write(range) { body += $0 }
            response.body = body
        } else {
            if !range.isInMemory { try call.permit.move(to: .stream) }
            response.stream = { [range] write in try await text.write(range, to: write) }
        }
        return response
    }

    /// What memory answers counts against nothing; what the store is asked for, as any read of it.
    private func range(_ call: RegistryCall, _ query: FeedQuery) async throws -> FeedRange {
        if try !call.service.hasInMemory(feedAfter: query.position) {
            try call.permit.move(to: .read)
        }
        return try await call.service.feed(after: query.position, limit: query.limit)
    }

    /// Until there is news, or the time is over, or the service stops.
    private func wait(_ service: RegistryService, _ query: FeedQuery) async {
        metrics.polls.increment()
        defer { metrics.polls.decrement() }
        let feed = service.state.feed
        await feed.whileServing { stop in
            _ = await feed.waits(after: query.position.revision, within: query.wait) {
                stop.isRaised
            }
        }
    }
}

extension FeedRange {
    fileprivate var isInMemory: Bool {
        if case .ring = source { true } else { false }
    }

    /// Whether it fits into one answer of a known length.
    fileprivate var isSmall: Bool {
        switch source {
        case .ring(let revisions):
            revisions.reduce(0) { $0 + $1.count } <= FeedQuery.maximumLimit / 5
        case .log(let items, let hasMore): !hasMore && items.count <= FeedQuery.maximumLimit / 5
        }
    }
}
