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

/// What a follower asks for.
struct FeedQuery: Sendable {
    /// What it has.
    var position: Position
    /// How long it waits for the next revision.
    var wait: Duration
    /// Changes at which an answer ends, at the end of a revision.
    var limit: Int
    /// The copy that asks, and reports by asking.
    var agent: AgentName?
    /// What it has applied. Nil where it doesn't say in which epoch: that proves nothing.
    var applied: Position?
    /// Whether it says a revision without its epoch: only a store that has never had another one knows what
    /// that means.
    var isOfUnknownEpoch: Bool

    static let maximumWaitSeconds = 60.0
    static let maximumLimit = 10_000
    static let defaultLimit = 1_000

    /// - Parameter resumes: whether `Last-Event-ID` counts.
    /// - Throws: `invalid-request`.
    init(_ call: RegistryCall, resumes: Bool) throws {
        var query = QueryReader(call.query)
        let after = query.revision("after")
        let apart = query.text("epoch", maximum: 64).map { Epoch($0) }
        let epoch = after?.epoch ?? apart
        if apart != nil, epoch != apart {
            query.refuse("epoch", "conflict", "after names another epoch")
        }
        let seconds = query.value("wait", "a number of seconds from 0 to 60") { text in
            Double(text).flatMap { (0...Self.maximumWaitSeconds).contains($0) ? $0 : nil }
        }
        let limit = query.value("limit", "a number from 1 to 10000") { text in
            Int(text).flatMap { (1...Self.maximumLimit).contains($0) ? $0 : nil }
        }
        agent = query.value("agent", AgentName.expected) { AgentName(new: $0) }
        try query.finish()
        wait = .milliseconds(Int((seconds ?? 0) * 1000))
        self.limit = limit ?? Self.defaultLimit
        let here = try call.service.position().epoch
        position = Position(epoch: epoch ?? here, revision: after?.revision ?? .zero)
        applied = epoch == nil ? nil : position
        // Before the first revision every store is the same.
        isOfUnknownEpoch = epoch == nil && position.revision > .zero
        // What can't be an id is refused of pages too: who sends it has mixed something up.
        if let last = try Self.lastEventID(call.request.headers), resumes {
            (position, applied, isOfUnknownEpoch) = (last, last, false)
        }
    }

    /// `<epoch>.<revision>`, as events have it. Clients send back what they were sent: other text is a
    /// mistake in front of us, and whoever sent it doesn't know where it is.
    private static func lastEventID(_ fields: HTTPFields) throws -> Position? {
        let values = fields[values: .lastEventID]
        guard let text = values.first else { return nil }
        guard values.count == 1, let position = Position(text) else {
            throw Problem.invalid(
                "Last-Event-ID",
                "the id of an event is expected: an epoch, a dot, a revision")
        }
        return position
    }
}
