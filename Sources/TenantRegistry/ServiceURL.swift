import Foundation

/// Where a registry is, as a flag says it.
enum ServiceURL {
    /// - Throws: `CommandFailure.usage` for what isn't an http or https URL with a host, and a port that
    ///   there can be.
    static func read(_ text: String, _ flag: String) throws -> URL {
        guard let url = URL(string: text), url.scheme == "http" || url.scheme == "https",
            url.host?.isEmpty == false
        else {
            throw CommandFailure.usage("--\(flag): an http or https URL is expected, not \(text)")
        }
        guard hasPort(text) else {
            throw CommandFailure.usage("--\(flag): a port from 1 to 65535 is expected in \(text)")
        }
        return url
    }

    /// Of the text itself: a number that is too large for Foundation is no port to it, and the scheme's
    /// own would be taken.
    private static func hasPort(_ text: String) -> Bool {
        guard let start = text.firstRange(of: "://")?.upperBound else { return false }
        let authority = text[start...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        // An address of IPv6 has colons of its own, in brackets.
        let rest = host.lastIndex(of: "]").map { host[host.index(after: $0)...] } ?? host
        guard let colon = rest.lastIndex(of: ":") else { return true }
        let digits = rest[rest.index(after: colon)...]
        // RFC 3986 §3.2.3: an empty one is the scheme's own.
        return digits.isEmpty || UInt16(digits).map { $0 > 0 } ?? false
    }
}
