/// The request line of a lookup, read where it lies.
///
/// Every form of a lookup that a proxy sends, in one spelling each:
///
/// ```
/// (GET | HEAD) SP target SP HTTP/1.1 CRLF
/// /v1/domains/{name}                        letters, digits, dots, hyphens
/// /v1/route?host={host}[&unknown={status}]  or the two the other way round
/// /v1/route/forwarded[/{status}][?…]        the query is the visitor's, and counts nothing
/// /v1/route/authority[/…][?…]               the rest is the visitor's, and counts nothing
/// ```
public struct LookupLine: Equatable, Sendable {
    /// Which endpoint: where its name or host is.
    public enum Subject: Sendable {
        /// A domain in the path.
        case domain
        /// A host in the query, in `X-Forwarded-Host`, in `Host`.
        case query, forwarded, authority
        /// A host in `X-Forwarded-Host`, with a status for an unknown one in the path.
        case forwardedStatus
    }

    public var subject: Subject
    public var isHead: Bool
    /// Of `domain` and `query`: where the name or host stands.
    public var name: Range<Int>
    /// What an unknown host gets: 404, 403 or 200.
    public var unknownStatus: Int
    /// Of the line, its end included.
    public var length: Int

    /// - Returns: nil where the bytes don't begin with such a line.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        let start: Int
        if bytes.holds("GET /v1/", at: 0) {
            (isHead, start) = (false, 8)
        } else if bytes.holds("HEAD /v1/", at: 0) {
            (isHead, start) = (true, 9)
        } else {
            return nil
        }
        unknownStatus = 404
        let end: Int
        if bytes.holds("domains/", at: start) {
            subject = .domain
            let nameStart = start &+ 8
            end = bytes.end(of: .name, from: nameStart)
            name = nameStart..<end
            // `batch` is a path of its own.
            guard !name.isEmpty, !(name.count == 5 && bytes.holds("batch", at: nameStart)) else {
                return nil
            }
        } else if bytes.holds("route", at: start) {
            let rest = start &+ 5
            guard let target = Target(bytes, from: rest) else { return nil }
            (subject, name, unknownStatus, end) = (
                target.subject, target.host, target.unknownStatus, target.end
            )
        } else {
            return nil
        }
        guard bytes.holds(" HTTP/1.1\r\n", at: end) else { return nil }
        length = end &+ 11
    }
}

/// What follows `/v1/route`.
private struct Target {
    var subject: LookupLine.Subject
    var host = 0..<0
    var unknownStatus = 404
    var end: Int

    init?(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        end = start
        subject = .query
        if bytes.holds("?host=", at: start) {
            takeHost(bytes, from: start &+ 6)
            if bytes.holds("&unknown=", at: end) {
                guard takeStatus(bytes, from: end &+ 9) else { return nil }
            }
        } else if bytes.holds("?unknown=", at: start) {
            guard takeStatus(bytes, from: start &+ 9), bytes.holds("&host=", at: end) else {
                return nil
            }
            takeHost(bytes, from: end &+ 6)
        } else if bytes.holds("/forwarded", at: start) {
            subject = .forwarded
            end = start &+ 10
            if bytes.holds("/", at: end) {
                subject = .forwardedStatus
                guard takeStatus(bytes, from: end &+ 1) else { return nil }
            }
            if bytes.holds("?", at: end) { end = bytes.end(of: .visible, from: end) }
        } else if bytes.holds("/authority", at: start) {
            subject = .authority
            end = start &+ 10
            guard end < bytes.count else { return nil }
            switch bytes[end] {
            case UInt8(ascii: "/"), UInt8(ascii: "?"): end = bytes.end(of: .visible, from: end)
            default: break
            }
        } else {
            return nil
        }
    }

    private mutating func takeHost(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        end = bytes.end(of: .host, from: start)
        host = start..<end
    }

    private mutating func takeStatus(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        if bytes.holds("403", at: start) {
            unknownStatus = 403
        } else if bytes.holds("200", at: start) {
            unknownStatus = 200
        } else if !bytes.holds("404", at: start) {
            return false
        }
        end = start &+ 3
        return true
    }
}
