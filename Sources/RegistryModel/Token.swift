/// An access token as the registry keeps it: never the secret, only its SHA-256.
public struct TokenRecord: Hashable, Sendable {
    /// Names the token in logs and history. Not secret.
    public var id: String
    /// 1–100 characters, chosen by the admin: `ops-laptop`.
    public var name: String
    public var role: Role
    /// SHA-256 of the secret's text, 32 bytes.
    public var secretDigest: [UInt8]
    public var createdAt: Timestamp
    public var expiresAt: Timestamp?
    public var revokedAt: Timestamp?
    /// Kept beside the log, written now and then: not a revision.
    public var lastUsedAt: Timestamp?

    public init(
        id: String, name: String, role: Role, secretDigest: [UInt8], createdAt: Timestamp,
        expiresAt: Timestamp? = nil, revokedAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.secretDigest = secretDigest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.lastUsedAt = lastUsedAt
    }

    public var facts: TokenFacts { TokenFacts(name: name, role: role, expiresAt: expiresAt) }

    public func isActive(at now: Timestamp) -> Bool {
        revokedAt == nil && expiresAt.map { $0 > now } ?? true
    }
}

/// What history says of a token.
public struct TokenFacts: Hashable, Sendable, Codable {
    public var name: String
    public var role: Role
    public var expiresAt: Timestamp?

    public init(name: String, role: Role, expiresAt: Timestamp? = nil) {
        self.name = name
        self.role = role
        self.expiresAt = expiresAt
    }

    enum CodingKeys: String, CodingKey {
        case name, role
        case expiresAt = "expires_at"
    }
}

/// Who did something: the token of the request.
public struct Actor: Hashable, Sendable, Codable {
    public var token: String
    public var name: String
    public var role: Role

    public init(token: String, name: String, role: Role) {
        self.token = token
        self.name = name
        self.role = role
    }

    /// The service itself: it makes the first token, and ends freezes whose deadline has passed.
    public static let system = Actor(token: "system", name: "system", role: .admin)

    /// A request without a token, where `--anonymous-reads` lets it in.
    public static let anonymous = Actor(token: "anonymous", name: "anonymous", role: .reader)
}

/// What a token may do, as the contract's table gives it.
public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    case reader, registrar, auditor, operator_ = "operator", admin

    public func may(_ permission: Permission) -> Bool {
        switch self {
        case .reader: permission == .read
        case .registrar: [.read, .register].contains(permission)
        case .auditor: [.read, .audit].contains(permission)
        case .operator_: [.read, .register, .audit, .operate].contains(permission)
        case .admin: true
        }
    }
}

/// What an endpoint asks of its caller. Every route names one.
public enum Permission: String, Hashable, Sendable, CaseIterable {
    /// Lookup, route, list, locations, stats, metrics.
    case read
    /// Availability, registration.
    case register
    /// History, tokens' doings, migrations to look at.
    case audit
    /// Batch registration, change, release, restore, migrations.
    case operate
    /// Tokens, locations.
    case administer
}
