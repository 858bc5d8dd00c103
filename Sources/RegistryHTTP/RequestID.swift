import HTTPTypes
import Synchronization

/// Names one request in its answer, in the log and in history.
struct RequestID: Sendable {
    let text: String

    /// The process's own half, and a number for each request of it. A system call for each would be
    /// the dearest part of a lookup; an id has to be unique, not secret.
    private static let process = UInt64.random(in: .min ... .max)
    private static let sequence = Atomic(UInt64.random(in: .min ... .max))

    /// 32 hexadecimal digits, unlike any other request's.
    static func random() -> RequestID {
        let number = sequence.wrappingAdd(1, ordering: .relaxed).newValue
        let halves = (process, number)
        let digits = Array("0123456789abcdef".utf8)
        return RequestID(
            text: String(unsafeUninitializedCapacity: 32) { buffer in
                for half in 0..<2 {
                    var bits = half == 0 ? halves.0 : halves.1
                    for index in (0..<16).reversed() {
                        buffer[half * 16 + index] = digits[Int(bits & 15)]
                        bits >>= 4
                    }
                }
                return 32
            })
    }

    /// The client's own, where it's 1–128 octets of visible ASCII, else a new one.
    init(echoing sent: String?) {
        guard let sent, (1...128).contains(sent.utf8.count),
            sent.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            self = .random()
            return
        }
        text = sent
    }

    private init(text: String) {
        self.text = text
    }
}

extension HTTPField.Name {
    static let xRequestID = Self("X-Request-ID")!
    static let xRegistryRevision = Self("X-Registry-Revision")!
    static let xForwardedHost = Self("X-Forwarded-Host")!
    static let xTenantLocation = Self("X-Tenant-Location")!
    static let xTenantMode = Self("X-Tenant-Mode")!
    static let xTenantUpstream = Self("X-Tenant-Upstream")!
    static let xTenantRevision = Self("X-Tenant-Revision")!
    static let idempotencyKey = Self("Idempotency-Key")!
    static let idempotencyReplayed = Self("Idempotency-Replayed")!
    static let traceparent = Self("traceparent")!
    static let host = Self("Host")!
    static let link = Self("Link")!
}
