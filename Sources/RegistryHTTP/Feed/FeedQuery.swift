import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

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
        agent = query.value(
            "agent", "a name of 1 to 100 letters, digits, dots, dashes or underscores"
        ) { AgentName($0) }
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
