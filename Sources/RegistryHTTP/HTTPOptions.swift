import RegistryModel

/// What an operator sets of the HTTP side.
public struct HTTPOptions: Sendable {
    /// Gives `reader` to requests without a token: for proxies on a private network.
    public var allowsAnonymousReads = false
    /// An agent's: everyone reads, and what they show as a token isn't looked at.
    var ignoresTokens = false
    /// `Cache-Control` of answers to proxies that know the host.
    public var routeCacheControl = "max-age=1, stale-while-revalidate=5, stale-if-error=86400"
    /// Seconds in `Retry-After`, where a domain's mode isn't `serve`.
    public var retryAfterSeconds = 30
    /// How long `min_revision` waits for this node.
    public var revisionWait = Duration.seconds(5)
    /// Time between two heartbeats of a stream of changes.
    public var heartbeat = Duration.seconds(10)
    public var accessLog = AccessLog.writes
    /// Where every request leaves a line: one of how many lookups does; 0 for none of them.
    public var lookupsPerLogLine = 1
    /// Whether lookups are answered before the HTTP parser sees them. Off only in tests, which
    /// compare.
    public var answersOnFastPath = true
    public var limits = ConnectionLimits()
    public var load = LoadLimits()

    public init() {}
}

/// Which requests leave a line in the log.
public enum AccessLog: String, Sendable, CaseIterable {
    case all
    /// Everything but GET, HEAD and lookups, and whatever failed on our side.
    case writes
    case off
}
