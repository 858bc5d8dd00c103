/// A tenant is a customer: it has one or more domains, and its data lives in one place.
///
/// It has no row of its own. It's there as long as a live domain names it, and what it is follows from those.
public struct Tenant: Hashable, Sendable {
    public var name: String
    /// How many live domains it has in each place; none that is zero.
    public var places: [LocationName: Int]

    public init(name: String, places: [LocationName: Int]) {
        self.name = name
        self.places = places
    }

    /// By name. More than one: the tenant is split.
    public var locations: [LocationName] { places.keys.sorted() }
    public var domainCount: Int { places.values.reduce(0, +) }
    public var isSplit: Bool { places.count > 1 }

    /// How many domains a refusal names.
    public static let namesShown = 100
}

/// A tenant's name as stores compare it, byte by byte. Swift's texts are equal where they look alike, and a store may hold
/// names from before they were brought into one form.
package struct TenantKey: Hashable, Comparable, Sendable {
    package let name: String

    package init(_ name: String) {
        self.name = name
    }

    package static func == (left: TenantKey, right: TenantKey) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    package static func < (left: TenantKey, right: TenantKey) -> Bool {
        left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in name.utf8 { hasher.combine(byte) }
    }
}

/// What is set on all domains of a tenant; the rest stays.
public struct TenantPatch: Hashable, Sendable {
    public var location: LocationName?
    public var mode: Mode?

    public init(location: LocationName? = nil, mode: Mode? = nil) {
        self.location = location
        self.mode = mode
    }
}

/// A tenant, and its domains by name, all of one moment.
public struct TenantPage: Sendable {
    public var tenant: Tenant
    public var domains: Page<Domain>

    public init(tenant: Tenant, domains: Page<Domain>) {
        self.tenant = tenant
        self.domains = domains
    }
}

/// Which tenants to list, by name, byte by byte.
public struct TenantQuery: Hashable, Sendable {
    /// Those that have a domain there.
    public var location: LocationName?
    /// Those that are in more than one place, or those that aren't.
    public var isSplit: Bool?
    public var prefix: String?
    /// The last one of the page before.
    public var after: String?
    public var limit: Int

    public init(
        location: LocationName? = nil, isSplit: Bool? = nil, prefix: String? = nil,
        after: String? = nil, limit: Int = 100
    ) {
        self.location = location
        self.isSplit = isSplit
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }
}
