import RegistryModel

/// What an engine offers for tenants: where their domains are is counted beside the domains.
package protocol TenantTransaction {
    /// How many live domains a tenant has in each place; none that is zero.
    func places(of tenant: String) throws -> [LocationName: Int]
    /// Notes that so many of a tenant's domains have come to a place, or gone from it.
    func count(_ tenant: String, at location: LocationName, by change: Int) throws
    /// The first domains of a tenant's by name, without one.
    func domains(of tenant: String, besides fqdn: FQDN, limit: Int) throws -> [FQDN]
    /// The waves that hold all that the tenant has at their sources frozen, by migration; one that is split may be in
    /// several.
    func frozenWaves(of tenant: String) throws -> [FrozenTenant]

    /// The tenant's first domain that a frozen wave holds; nil: there is none.
    func frozenDomain(of tenant: String) throws -> (fqdn: FQDN, wave: WaveName)?
    /// Sets a mode on what frozen waves give back to the tenant's domains, where another one is set.
    func setOwnModes(_ mode: Mode, ofTenant tenant: String) throws
    /// Changes all domains of a tenant's that aren't so, and writes one line of the log for each, from position 0 on.
    /// - Returns: how many.
    func apply(_ patch: TenantPatch, to tenant: String, revision: Revision, at: Timestamp) throws
        -> Int
}

/// A wave that holds a tenant, and where.
package struct FrozenTenant: Hashable, Sendable {
    package var wave: WaveName
    package var location: LocationName

    package init(wave: WaveName, location: LocationName) {
        self.wave = wave
        self.location = location
    }
}
