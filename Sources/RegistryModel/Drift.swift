/// How a name differs between the registry and the list of what a location really has.
public enum DriftFinding: String, Sendable, CaseIterable {
    /// Registered there, and not in the list.
    case missing
    /// In the list, and registered in another location.
    case elsewhere
    /// In the list, and not registered.
    case unknown
    /// In the list, and no name at all.
    case invalid
}

/// How many findings of each kind a comparison has.
public struct DriftCounts: Sendable, Hashable {
    public var missing = 0
    public var elsewhere = 0
    public var unknown = 0
    public var invalid = 0

    public init() {}

    public var total: Int { missing + elsewhere + unknown + invalid }

    public mutating func add(_ finding: DriftFinding) {
        switch finding {
        case .missing: missing += 1
        case .elsewhere: elsewhere += 1
        case .unknown: unknown += 1
        case .invalid: invalid += 1
        }
    }
}
