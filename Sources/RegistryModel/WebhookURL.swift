/// Where a webhook's deliveries go: an absolute `https` URL of at most 2048 bytes of visible ASCII, or an `http` one of a
/// receiver on this machine.
///
/// A path and a query may be there, and often are a password: who may read the URL is who may set it.
public struct WebhookURL: Hashable, Sendable, Codable, CustomStringConvertible {
    /// As it was sent, its scheme and host in lower case.
    public let text: String
    /// Scheme, host and port: what may be shown to everybody who reads history.
    public let origin: String
    /// A name, or an address without brackets.
    public let host: String
    public let port: Int
    /// Whether it's `http`, which everybody on the way can read.
    public let isPlain: Bool

    /// - Throws: the first rule that `text` breaks.
    public init(_ text: some StringProtocol) throws(Malformed) {
        guard text.utf8.count <= Self.maximumLength,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .characters }
        let whole = Substring(text)
        guard let mark = whole.firstRange(of: "://") else { throw .scheme }
        let scheme = whole[..<mark.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { throw .scheme }
        let rest = whole[mark.upperBound...]
        let authority = rest.prefix { !Self.endsAuthority.contains($0) }
        let target = rest.dropFirst(authority.count)
        guard !authority.contains("@") else { throw .user }
        guard !target.contains("#") else { throw .fragment }
        guard Self.isEncoded(target) else { throw .characters }
        let host: Substring
        do throws(UpstreamURL.Malformed) {
            host = try UpstreamHost.withoutPort(authority.lowercased())
        } catch {
            throw .port
        }
        guard UpstreamHost.isHost(host), host.last != ".", !Self.looksLikeNumber(host) else {
            throw .host
        }
        isPlain = scheme == "http"
        let port = authority.dropFirst(host.count + 1)
        self.port = Int(port) ?? (isPlain ? 80 : 443)
        origin = scheme + "://" + authority.lowercased()
        self.text = origin + target
        self.host = String(host.hasPrefix("[") ? host.dropFirst().dropLast() : host)
    }

    package static let maximumLength = 2048

    private static let endsAuthority: Set<Character> = ["/", "?", "#", "\\"]
    /// What RFC 3986 has nowhere behind the authority.
    private static let unencoded: Set<Character> = [
        "\"", "<", ">", "[", "\\", "]", "^", "`", "{", "|", "}",
    ]

    private static func isEncoded(_ target: Substring) -> Bool {
        guard !target.contains(where: { unencoded.contains($0) }) else { return false }
        return target.split(separator: "%", omittingEmptySubsequences: false).dropFirst()
            .allSatisfy { part in
                let digits = part.prefix(2)
                return digits.count == 2 && digits.allSatisfy { $0.isHexDigit }
            }
    }

    /// Whether a resolver may take it for an address in a form that people don't see through: `0x7f.1`.
    private static func looksLikeNumber(_ host: Substring) -> Bool {
        guard let last = host.split(separator: ".").last, last.hasPrefix("0x") else { return false }
        return last.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    /// The address that it names, where it names one.
    public var address: ReceiverAddress? { ReceiverAddress(host) }

    /// Whether it's this machine by its name already.
    public var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || address?.kind == .loopback
    }

    /// A rule that a URL breaks.
    public enum Malformed: Error, Hashable, Sendable, CaseIterable {
        case characters, scheme, user, fragment, host, port

        /// For whoever sent it. Without the URL: it may hold a password.
        public var explanation: String {
            switch self {
            case .characters:
                "up to 2048 characters of visible ASCII are expected, all others percent-encoded"
            case .scheme: "an absolute URL that begins with https:// is expected"
            case .user:
                "the URL can't hold a user or a password; what a receiver checks is the signature"
            case .fragment: "the URL can't hold a fragment: nobody would be sent it"
            case .host:
                "the host is a name, an IPv4 address such as 192.0.2.1, or an IPv6 address such as [2001:db8::1]"
            case .port: "the port is a number from 1 to 65535"
            }
        }
    }

    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(try container.decode(String.self))
        } catch let error as Malformed {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// An address that deliveries may go to, or mustn't.
///
/// A webhook's URL is an admin's, but a name in it is answered by whoever runs its zone: without this the registry would
/// send its news, and the receiver's answer would tell of, what only the machine itself can reach, first of all a cloud's
/// metadata service. Private networks are allowed: many a chat's gateway is in one.
public struct ReceiverAddress: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        case ordinary, loopback
        /// In words for whoever asked.
        case refused(String)
    }

    public let kind: Kind
    public let description: String

    /// `nil`: no address, in the one form that everybody reads alike.
    public init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self.init(address)
        } else if let address = IPv6Address(text) {
            self.init(address)
        } else {
            return nil
        }
    }

    public init(_ address: IPv4Address) {
        description = address.description
        kind = Self.kind(address.number)
    }

    public init(_ address: IPv6Address) {
        description = address.description
        kind = Self.kind(address.groups)
    }

    private static func kind(_ number: UInt32) -> Kind {
        switch number {
        case 0x7F00_0000...0x7FFF_FFFF: .loopback
        case 0x0000_0000...0x00FF_FFFF: .refused("it's no host's address")
        case 0xA9FE_0000...0xA9FE_FFFF:
            .refused("it's link-local, where clouds have their metadata services")
        // Alibaba Cloud's metadata service, in the range that carriers share among their customers.
        case 0x6464_64C8: .refused("it's a cloud's metadata service")
        // Azure's platform address.
        case 0xA83F_8110: .refused("it's a cloud's metadata service")
        case 0xE000_0000...0xEFFF_FFFF: .refused("it's a multicast address")
        case 0xF000_0000...0xFFFF_FFFF: .refused("it's a reserved or a broadcast address")
        default: .ordinary
        }
    }

    private static func kind(_ groups: [UInt16]) -> Kind {
        let last = UInt32(groups[6]) << 16 | UInt32(groups[7])
        let zeros = groups.prefix { $0 == 0 }.count
        if zeros == 8 { return .refused("it's no host's address") }
        if zeros == 7, groups[7] == 1 { return .loopback }
        // IPv4 in other clothes: mapped, compatible, translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4.
        let carried: UInt32? =
            if zeros >= 6 || zeros == 5 && groups[5] == 0xFFFF
                || zeros == 4 && groups[4] == 0xFFFF && groups[5] == 0
            {
                last
            } else if groups[0] == 0x64, groups[1] == 0xFF9B {
                last
            } else if groups[0] == 0x2002 {
                UInt32(groups[1]) << 16 | UInt32(groups[2])
            } else {
                nil
            }
        if let carried {
            // Loopback in such a form isn't a way to write it that anybody needs.
            return switch kind(carried) {
            case .ordinary: .ordinary
            case .loopback: .refused("it's this machine's own address in an IPv6 one")
            case .refused(let why): .refused(why)
            }
        }
        // Teredo: its IPv4 addresses are scrambled, and nobody has one any more.
        if groups[0] == 0x2001, groups[1] == 0 { return .refused("it's a Teredo address") }
        return switch groups[0] {
        case 0xFE80...0xFEBF: .refused("it's link-local")
        case 0xFEC0...0xFEFF: .refused("it's site-local, which nobody uses any more")
        case 0xFF00...0xFFFF: .refused("it's a multicast address")
        case 0xFD00 where groups[1] == 0x0EC2 && groups[2...6].allSatisfy({ $0 == 0 }):
            .refused("it's a cloud's metadata service")
        case 0xFD20 where groups[1] == 0x00CE && groups[2...6].allSatisfy({ $0 == 0 }):
            .refused("it's a cloud's metadata service")
        default: .ordinary
        }
    }

    /// Why nothing is sent there; nil: something may be.
    public func refusal(allowingLoopback: Bool) -> String? {
        switch kind {
        case .ordinary: nil
        case .loopback where allowingLoopback: nil
        case .loopback: "it's this machine's own address"
        case .refused(let why): why
        }
    }
}
