/// The name of a place that serves tenants, for example `japan`.
///
/// 1–63 lower-case letters, digits and hyphens, no hyphen at either end: it goes into headers, file
/// names and proxy maps unquoted.
public struct LocationName: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let text: String

    /// `nil`: not such a name.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        let isValid = bytes.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
        }
        guard isValid, (1...63).contains(bytes.count), text.first != "-", text.last != "-"
        else { return nil }
        self.text = String(text)
    }

    package init(canonical text: String) {
        self.text = text
    }

    public static func < (left: LocationName, right: LocationName) -> Bool {
        left.text < right.text
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

/// What an operator sets for a location.
public struct LocationSettings: Hashable, Sendable, Codable {
    /// Where the proxy sends requests: an absolute `http` or `https` URL.
    public var upstream: UpstreamURL
    /// Whether `POST /v1/domains` may put a new domain here.
    public var acceptsSignups: Bool
    /// Whether a registration that names no location lands here. Exactly one location is.
    public var isDefaultForSignups: Bool
    /// How the DNS leads there; nil: nobody has said it.
    public var dns: DNSTargets?

    public init(
        upstream: UpstreamURL, acceptsSignups: Bool, isDefaultForSignups: Bool,
        dns: DNSTargets? = nil
    ) {
        self.upstream = upstream
        self.acceptsSignups = acceptsSignups
        self.isDefaultForSignups = isDefaultForSignups
        self.dns = dns
    }

    enum CodingKeys: String, CodingKey {
        case upstream, dns
        case acceptsSignups = "accepts_signups"
        case isDefaultForSignups = "default_for_signups"
    }
}

/// Where a domain can be hosted. A row, not code.
public struct Location: Hashable, Sendable, Codable {
    public var name: LocationName
    public var settings: LocationSettings
    /// The last write that changed it; 0 for one that only the first migration file has touched.
    public var revision: Revision

    /// How many there may be. A copy of the table has sixteen bits of a domain for its location.
    public static let maximumCount = 65_000

    public init(name: LocationName, settings: LocationSettings, revision: Revision) {
        self.name = name
        self.settings = settings
        self.revision = revision
    }
}
