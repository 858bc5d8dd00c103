/// The request line of a lookup, read where it lies.
///
/// Every form of a lookup that a proxy sends, in one spelling each:
///
/// ```
/// (GET | HEAD) SP target SP HTTP/1.1 CRLF
/// /v1/domains/{name}                        letters, digits, dots, hyphens
/// /v1/route?host={host}[&unknown={status}]  or the two the other way round
/// /v1/route/forwarded[?unknown={status}]
/// /v1/route/authority[/…][?…]               the rest is the visitor's, and counts nothing
/// ```
public struct LookupLine: Equatable, Sendable {
    /// Which endpoint: where its name or host is.
    public enum Subject: Sendable {
        /// A domain in the path.
        case domain
        /// A host in the query, in `X-Forwarded-Host`, in `Host`.
        case query, forwarded, authority
    }

    public var subject: Subject
    public var isHead: Bool
    /// Of `domain` and `query`: where the name or host stands.
    public var name: Range<Int>
    /// What an unknown host gets: 404, 403 or 200.
    public var unknownStatus: Int
    /// Of the line, its end included.
    public var length: Int

    /// - Returns: nil where the octets don't begin with such a line.
    public init?(_ octets: UnsafeRawBufferPointer) {
        let start: Int
        if octets.holds("GET /v1/", at: 0) {
            (isHead, start) = (false, 8)
        } else if octets.holds("HEAD /v1/", at: 0) {
            (isHead, start) = (true, 9)
        } else {
            return nil
        }
        unknownStatus = 404
        let end: Int
        if octets.holds("domains/", at: start) {
            subject = .domain
            let nameStart = start &+ 8
            end = octets.end(of: .name, from: nameStart)
            name = nameStart..<end
            // `batch` is a path of its own.
            guard !name.isEmpty, !(name.count == 5 && octets.holds("batch", at: nameStart)) else {
                return nil
            }
        } else if octets.holds("route", at: start) {
            let rest = start &+ 5
            guard let target = Target(octets, from: rest) else { return nil }
            (subject, name, unknownStatus, end) = (
                target.subject, target.host, target.unknownStatus, target.end
            )
        } else {
            return nil
        }
        guard octets.holds(" HTTP/1.1\r\n", at: end) else { return nil }
        length = end &+ 11
    }
}

/// What follows `/v1/route`.
private struct Target {
    var subject: LookupLine.Subject
    var host = 0..<0
    var unknownStatus = 404
    var end: Int

    init?(_ octets: UnsafeRawBufferPointer, from start: Int) {
        end = start
        subject = .query
        if octets.holds("?host=", at: start) {
            takeHost(octets, from: start &+ 6)
            if octets.holds("&unknown=", at: end) {
                guard takeStatus(octets, from: end &+ 9) else { return nil }
            }
        } else if octets.holds("?unknown=", at: start) {
            guard takeStatus(octets, from: start &+ 9), octets.holds("&host=", at: end) else {
                return nil
            }
            takeHost(octets, from: end &+ 6)
        } else if octets.holds("/forwarded", at: start) {
            subject = .forwarded
            end = start &+ 10
            if octets.holds("?unknown=", at: end) {
                guard takeStatus(octets, from: end &+ 9) else { return nil }
            }
        } else if octets.holds("/authority", at: start) {
            subject = .authority
            end = start &+ 10
            guard end < octets.count else { return nil }
            switch octets[end] {
            case UInt8(ascii: "/"), UInt8(ascii: "?"): end = octets.end(of: .visible, from: end)
            default: break
            }
        } else {
            return nil
        }
    }

    private mutating func takeHost(_ octets: UnsafeRawBufferPointer, from start: Int) {
        end = octets.end(of: .host, from: start)
        host = start..<end
    }

    private mutating func takeStatus(_ octets: UnsafeRawBufferPointer, from start: Int) -> Bool {
        if octets.holds("403", at: start) {
            unknownStatus = 403
        } else if octets.holds("200", at: start) {
            unknownStatus = 200
        } else if !octets.holds("404", at: start) {
            return false
        }
        end = start &+ 3
        return true
    }
}
