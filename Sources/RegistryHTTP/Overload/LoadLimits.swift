/// How much work the service takes on at once. What is beyond is refused at once, with 503 and
/// `Retry-After`, so that what was taken on ends soon; lookups have no such bound.
public struct LoadLimits: Sendable {
    /// Writes under way at most; as many reads of the store; and as many that wait for a revision.
    public var requests = 1024
    /// Answers of any size that are being sent, at most.
    public var streams = 64
    /// Bytes of large request bodies in memory at once, all requests together.
    public var bodyBytes = 256 << 20
    /// Bytes of each body that don't count: the number of requests bounds those. So a signup is never
    /// refused for the sake of somebody's large batches.
    public var uncountedBodyBytes = 64 << 10

    public init() {}

    /// Bytes.
    var largestBody: Int { bodyBytes + uncountedBodyBytes }
}

/// Which bound a request counts against.
enum LoadClass: String, Sendable, CaseIterable {
    /// None but that of connections: answered from memory, or waiting without holding anything.
    case light
    /// Asks the store.
    case read
    /// Changes something.
    case write
    /// Sends an answer of any size.
    case stream
    /// Waits for a revision to come, or for agents to have one: it holds nothing that others need.
    case wait
}
