import HTTPTypes
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

/// Names one request in its answer, in the log and in history.
struct RequestID: Sendable {
    let text: String

    /// The process's own half, and a number for each request of it. A system call for each would be
    /// the dearest part of a lookup; an id has to be unique, not secret.
    private static let process = UInt64.random(in: .min ... .max)
    private static let sequence = Atomic(UInt64.random(in: .min ... .max))

    /// Of an id of our own, in bytes.
    static let length = 32
    /// Of a client's id that is echoed, in bytes.
    static let lengths = 1...128

    /// 32 hexadecimal digits, unlike any other request's.
    static func random() -> RequestID {
        RequestID(
            text: String(unsafeUninitializedCapacity: length) { buffer in
                writeRandom(to: UnsafeMutableRawBufferPointer(buffer))
                return length
            })
    }

    /// Writes the bytes of an id of our own.
    static func writeRandom(to bytes: UnsafeMutableRawBufferPointer) {
        var bits = sequence.wrappingAdd(1, ordering: .relaxed).newValue
        var place = length
        while place > 0 {
            place &-= 1
            if place == 15 { bits = process }
            let digit = UInt8(truncatingIfNeeded: bits & 15)
            bytes[place] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
            bits &>>= 4
        }
    }

    /// The client's own, where it may be echoed, else a new one.
    init(echoing sent: String?) {
        guard let sent, Self.mayEcho(sent.utf8) else {
            self = .random()
            return
        }
        text = sent
    }

    /// Whether it's 1–128 bytes of visible ASCII.
    static func mayEcho(_ bytes: some Collection<UInt8>) -> Bool {
        lengths.contains(bytes.count) && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private init(text: String) {
        self.text = text
    }
}

extension HTTPField.Name {
    static let xRequestID = Self("X-Request-ID")!
    static let lastEventID = Self("Last-Event-ID")!
    static let registryReport = Self("X-Registry-Report")!
    static let xAccelBuffering = Self("X-Accel-Buffering")!
    static let xRegistryRevision = Self("X-Registry-Revision")!
    static let xForwardedHost = Self("X-Forwarded-Host")!
    static let xTenantLocation = Self("X-Tenant-Location")!
    static let xTenantMode = Self("X-Tenant-Mode")!
    static let xTenantFenced = Self("X-Tenant-Fenced")!
    static let xTenantUpstream = Self("X-Tenant-Upstream")!
    static let xTenantRevision = Self("X-Tenant-Revision")!
    static let idempotencyKey = Self("Idempotency-Key")!
    static let idempotencyReplayed = Self("Idempotency-Replayed")!
    static let traceparent = Self("traceparent")!
    static let host = Self("Host")!
    static let link = Self("Link")!
}

/// Finds a token of ours in an `Authorization`.
enum BearerToken {
    /// Proxies pass visitors' headers on: any other `Authorization` is theirs, and counts as none.
    static func find<Bytes: Collection<UInt8>>(in field: Bytes) -> Bytes.SubSequence? {
        guard let space = field.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        // `| 0x20` makes capitals small: the scheme is written in any case.
        guard field[..<space].lazy.map({ $0 | 0x20 }).elementsEqual("bearer".utf8) else {
            return nil
        }
        let token = field[field.index(after: space)...].drop { $0 == UInt8(ascii: " ") }
        return token.starts(with: "trk_".utf8) ? token : nil
    }
}
