import Foundation

/// Where the access token comes from.
struct AccessToken {
    let flag: String?
    let file: String?
    /// The service's data folder, where the first admin token is.
    let folder: String?

    private static let longest = 256

    /// - Returns: nil where there is none.
    /// - Throws: `CommandFailure.usage` for what can't be a token, which is never shown.
    func find(_ settings: Settings) throws -> String? {
        if let token = try settings.text(flag, "token") {
            return try Self.read(token, "--token (or TENANT_REGISTRY_TOKEN)")
        }
        if let file = try settings.text(file, "token-file") {
            guard let text = Self.contents(of: file) else {
                throw CommandFailure.usage("--token-file: \(file) can't be read")
            }
            return try Self.read(text, "--token-file: \(file)")
        }
        let path =
            try settings.text(folder, "data-dir", default: "data") + "/" + AdminTokenFile.name
        return try Self.contents(of: path).map { try Self.read($0, path) }
    }

    /// Secrets are often made with `echo`, which ends them with a line break: what surrounds a token isn't
    /// of it. What can't be one isn't sent: the HTTP client would complain, and show it.
    static func read(_ text: String, _ place: String) throws -> String {
        let token = text.trimmingCharacters(
            in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: "\u{FEFF}")))
        guard isToken(token) else {
            throw CommandFailure.usage(
                "\(place): that can't be an access token; trk_, its id, _ and its secret are expected, and nothing else"
            )
        }
        return token
    }

    private static func isToken(_ text: String) -> Bool {
        guard text.utf8.count <= longest else { return false }
        return text.wholeMatch(of: #/trk_[A-Za-z0-9]+_[A-Za-z0-9_\-]+/#) != nil
    }

    /// - Returns: nil where it can't be read; text that isn't UTF-8 is no token anyhow.
    private static func contents(of path: String) -> String? {
        SecretFile.bytes(of: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
