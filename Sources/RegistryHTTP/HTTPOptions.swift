import HTTPTypes
import Hummingbird
import Logging
import RegistryModel
import RegistryService

/// What an operator sets of the HTTP side.
public struct HTTPOptions: Sendable {
    /// Gives `reader` to requests without a token: for proxies on a private network.
    public var allowsAnonymousReads = false
    /// `Cache-Control` of answers to proxies that know the host.
    public var routeCacheControl = "max-age=1, stale-while-revalidate=5, stale-if-error=86400"
    /// Seconds in `Retry-After`, where a domain's mode isn't `serve`.
    public var retryAfterSeconds = 30
    /// How long `min_revision` waits for this node.
    public var revisionWait = Duration.seconds(5)
    public var accessLog = AccessLog.all
    public var limits = ConnectionLimits()

    public init() {}
}

/// Which requests leave a line in the log.
public enum AccessLog: String, Sendable, CaseIterable {
    case all
    /// Everything but GET and HEAD, and whatever failed on our side.
    case writes
    case off

    func write(
        _ request: Request, endpoint: String, status: Int, duration: Duration, requestID: String,
        caller: Caller?, _ logger: Logger
    ) {
        switch self {
        case .all: break
        case .writes:
            guard status >= 500 || request.method != .get && request.method != .head else { return }
        case .off: return
        }
        guard logger.logLevel <= .info else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        var metadata: Logger.Metadata = [
            "request_id": "\(requestID)",
            "method": "\(request.method.rawValue)",
            "route": "\(endpoint)",
            "status": "\(status)",
            "duration_ms":
                "\(microseconds / 1000).\(String(1000 + microseconds % 1000).dropFirst())",
        ]
        if case .token(let token) = caller { metadata["token"] = "\(token.id)" }
        if let parent = request.headers[.traceparent], parent.utf8.count <= 128 {
            metadata["traceparent"] = "\(parent)"
        }
        logger.info("request", metadata: metadata)
    }
}
