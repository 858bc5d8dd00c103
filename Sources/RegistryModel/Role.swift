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
