import HTTPTypes
import Synchronization

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
    static let xTenantUpstream = Self("X-Tenant-Upstream")!
    static let xTenantRevision = Self("X-Tenant-Revision")!
    static let idempotencyKey = Self("Idempotency-Key")!
    static let idempotencyReplayed = Self("Idempotency-Replayed")!
    static let traceparent = Self("traceparent")!
    static let host = Self("Host")!
    static let link = Self("Link")!
}
