import Foundation

/// The registry's URL, as `--server` and `--upstream` take it.
enum ServiceAddress {
    /// - Throws: `CommandFailure.usage` for what isn't one, without showing what could be a password.
    static func read(_ text: String, _ flag: String) throws -> URL {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.contains("@") else {
            throw CommandFailure.usage(
                "--\(flag): an http or https URL without user and password is expected; the access token is what says who asks"
            )
        }
        guard let url = URL(string: text), url.scheme == "http" || url.scheme == "https",
            url.host.map({ !$0.isEmpty }) ?? false, url.query == nil, url.fragment == nil
        else {
            throw CommandFailure.usage(
                "--\(flag): an http or https URL without ? and # is expected, not \(text)")
        }
        guard hasPossiblePort(text) else {
            throw CommandFailure.usage("--\(flag): a port from 1 to 65535 is expected in \(text)")
        }
        return url
    }

    /// `URL` takes a port of any length, and whoever connects traps on it.
    private static func hasPossiblePort(_ text: String) -> Bool {
        guard let start = text.range(of: "://")?.upperBound else { return false }
        let authority = text[start...].prefix { !"/?#".contains($0) }
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
            return true
        }
        let port = authority[colon...].dropFirst()
        return port.isEmpty || UInt16(port).map { $0 > 0 } ?? false
    }
}
