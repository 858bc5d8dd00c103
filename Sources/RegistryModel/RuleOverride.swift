/// A rule that a request may set aside, where its caller's role suffices: what a role may beyond the endpoints that are
/// open to it.
///
/// The raw value is the member of a request's body that asks for it.
public enum RuleOverride: String, Hashable, Sendable, CaseIterable {
    /// A name below or above another tenant's.
    case nesting = "allow_nested"
    /// One tenant's domains in different places.
    case splitting = "allow_split"
    /// A wave that is larger than waves may be.
    case guarding = "override"

    private var permission: Permission {
        switch self {
        case .nesting, .splitting: .operate
        case .guarding: .administer
        }
    }

    public func isAllowed(to role: Role) -> Bool { role.may(permission) }

    /// - Throws: what a request that asks for it is refused with, where `role` doesn't suffice.
    public func check(_ role: Role) throws(RegistryError) {
        guard !isAllowed(to: role) else { return }
        switch self {
        case .nesting: throw .nestingForbidden(role)
        case .splitting: throw .splittingForbidden(role)
        case .guarding: throw .overrideForbidden(role)
        }
    }
}
