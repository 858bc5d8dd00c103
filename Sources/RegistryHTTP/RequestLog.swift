import Logging
import RegistryService
import Synchronization

/// The access log: a line for each request that an operator wants to see.
final class RequestLog: Sendable {
    struct Line {
        var requestID: String
        var method: String
        var route: String
        var status: Int
        var duration: Duration
        var caller: Caller?
        var traceparent: String?
    }

    private let kind: AccessLog
    private let lookupsPerLine: UInt64
    private let lookups = Atomic<UInt64>(0)

    init(_ options: HTTPOptions) {
        kind = options.accessLog
        lookupsPerLine = UInt64(max(0, options.lookupsPerLogLine))
    }

    /// - Parameter isFrequent: such requests are many; the log may hold some of them only. Those that
    ///   failed on our side are in it always. None is a write, whatever its method: Envoy asks with the
    ///   visitor's.
    func wants(method: String, status: Int, isFrequent: Bool) -> Bool {
        switch kind {
        case .off: return false
        case .writes: return status >= 500 || !isFrequent && method != "GET" && method != "HEAD"
        case .all: break
        }
        guard isFrequent, status < 500, lookupsPerLine != 1 else { return true }
        guard lookupsPerLine > 0 else { return false }
        return lookups.wrappingAdd(1, ordering: .relaxed).oldValue % lookupsPerLine == 0
    }

    func write(_ line: Line, _ logger: Logger) {
        guard logger.logLevel <= .info else { return }
        let (seconds, attoseconds) = line.duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        var metadata: Logger.Metadata = [
            "request_id": "\(line.requestID)",
            "method": "\(line.method)",
            "route": "\(line.route)",
            "status": "\(line.status)",
            "duration_ms":
                "\(microseconds / 1000).\(String(1000 + microseconds % 1000).dropFirst())",
        ]
        if case .token(let token) = line.caller { metadata["token"] = "\(token.id)" }
        if let parent = line.traceparent, parent.utf8.count <= 128 {
            metadata["traceparent"] = "\(parent)"
        }
        logger.info("request", metadata: metadata)
    }
}
