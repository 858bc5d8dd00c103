/// Where proxies send a location's requests: an `http` or `https` URL of at most 2048 bytes of visible ASCII. It is
/// sent in a header, and a control character there would be a second header.
///
/// What an operator sets is scheme, host and port, no more: proxies put the visitor's path behind it, readers see
/// it, and a password there would be everybody's. Earlier releases took more, so that copies of the table read
/// more than can be set.
public struct UpstreamURL: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    /// What a registry may have sent, of whatever release. `nil`: not such a URL.
    public init?(_ text: some StringProtocol) {
        guard Self.isVisible(text), let rest = Self.afterScheme(text) else { return nil }
        let authority = rest.prefix { !Self.endsAuthority($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard let first = host.first, first != ":" else { return nil }
        self.text = String(text)
    }

    /// What an operator sets. A slash at the end is left out: there it would be a path, which nginx puts in the
    /// visitor's place.
    ///
    /// - Throws: the first rule that `text` breaks.
    public init(setting text: some StringProtocol) throws(Malformed) {
        guard Self.isVisible(text) else { throw .characters }
        guard let rest = Self.afterScheme(text) else { throw .scheme }
        let authority = rest.prefix { !Self.endsAuthority($0) }
        guard !authority.contains("@") else { throw .user }
        let end = rest.dropFirst(authority.count)
        guard end.isEmpty || end == "/" else { throw .path }
        let host = try UpstreamHost.withoutPort(authority)
        guard UpstreamHost.isHost(host) else { throw .host }
        self.text = String(text.dropLast(end.count))
    }

    package init(canonical text: String) {
        self.text = text
    }

    /// A rule that a URL breaks.
    public enum Malformed: Error, Hashable, Sendable, CaseIterable {
        case characters, scheme, user, path, host, port

        /// For whoever sent it. Without the URL: it may hold a password.
        public var explanation: String {
            switch self {
            case .characters: "up to 2048 characters of visible ASCII, without spaces, are expected"
            case .scheme: "an absolute URL that begins with http:// or https:// is expected"
            case .user:
                "the URL can't hold a user or a password: every reader of the registry would see them"
            case .path:
                "the URL ends after host and port: proxies put the visitor's own path behind it"
            case .host:
                "the host is a name, an IPv4 address such as 192.0.2.1, or an IPv6 address such as [2001:db8::1]"
            case .port: "the port is a number from 1 to 65535"
            }
        }
    }

    private static func isVisible(_ text: some StringProtocol) -> Bool {
        text.utf8.count <= 2048 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func endsAuthority(_ character: Character) -> Bool {
        character == "/" || character == "?" || character == "#"
    }

    private static func afterScheme<Text: StringProtocol>(_ text: Text) -> Text.SubSequence? {
        ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
            .map { text.dropFirst($0.count) }
    }

    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The host of an upstream: RFC 3986 §3.2.2, as far as something can be reached by it.
enum UpstreamHost {
    /// - Parameter authority: without a user.
    static func withoutPort(_ authority: some StringProtocol) throws(UpstreamURL.Malformed)
        -> Substring
    {
        let authority = Substring(authority)
        let bracket = authority.lastIndex(of: "]")
        guard let colon = authority.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true else {
            return authority
        }
        let digits = authority[authority.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != "0",
            UInt16(digits) != nil
        else { throw .port }
        return authority[..<colon]
    }

    static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("[") {
            return text.hasSuffix("]") && IPv6Address(text.dropFirst().dropLast()) != nil
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        // Whoever looks such a name up takes it for an address.
        if let last = labels.last, !last.isEmpty, last.utf8.allSatisfy(isDigit) {
            return IPv4Address(text) != nil
        }
        return isName(text)
    }

    /// Names of containers have underscores, though no host of the DNS has one.
    private static func isName(_ text: Substring) -> Bool {
        let name = text.hasSuffix(".") ? text.dropLast() : text
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    isDigit(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D
                        || byte == 0x5F
                }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
