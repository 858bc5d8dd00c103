import RegistryModel

// A tenant's data lives in one place, so its domains do: nothing here takes one of them away from the others unless an
// operator says so. A tenant that is split already may be joined anywhere it is.

/// Where a domain is to live.
struct Home {
    var location: LocationName
    /// Where its tenant's other domains are, nobody asks for that.
    var acceptsSignups = true
    /// Whether it's away from them, as an operator said.
    var isSplit = false
}

extension CommandExecution {
    /// Where a new domain goes: where it asks to, or else where its tenant's other domains are, or else where signups go.
    ///
    /// - Parameter find: `signupLocation`, or what it has said before.
    func home(
        for wanted: NewDomain, _ find: (LocationName?) throws -> Location
    ) throws -> Home {
        let places = try places(of: wanted.tenant, for: wanted.fqdn)
        if wanted.location == nil, let location = places.only { return Home(location: location) }
        let location = try find(wanted.location)
        if places[location.name] != nil { return Home(location: location.name) }
        let isSplit = wanted.location != nil && !places.isEmpty
        if isSplit, !wanted.allowsSplit, let tenant = wanted.tenant {
            throw RegistryError.tenantElsewhere(tenant, places.keys.sorted())
        }
        return Home(
            location: location.name, acceptsSignups: location.settings.acceptsSignups,
            isSplit: isSplit)
    }

    /// Where a domain comes back: where it was, unless its tenant has gone elsewhere.
    func home(of fqdn: FQDN, restored placement: Placement, allowsSplit: Bool) throws -> Home {
        let places = try places(of: placement.tenant, for: fqdn)
        if places.isEmpty || places[placement.location] != nil {
            return Home(location: placement.location)
        }
        if allowsSplit { return Home(location: placement.location, isSplit: true) }
        return Home(location: try places.only ?? signupLocation(nil).name)
    }

    /// Where a held name goes: where it was promised to, unless its tenant has gone elsewhere since.
    func home(of held: HeldDomain) throws -> Home {
        let promised = held.placement.location
        let places = try places(of: held.placement.tenant, for: held.fqdn)
        guard let tenant = held.placement.tenant, !places.isEmpty, places[promised] == nil else {
            return Home(location: promised)
        }
        guard held.wantsLocation else { return Home(location: places.only ?? promised) }
        guard held.allowsSplit else {
            throw RegistryError.tenantElsewhere(tenant, places.keys.sorted())
        }
        return Home(location: promised, isSplit: true)
    }

    /// Where a tenant is that gets another domain.
    ///
    /// - Throws: `domainInMigration` where a wave holds the tenant frozen: the data of the new domain would be missing from
    ///   what is being copied.
    private func places(of tenant: String?, for fqdn: FQDN) throws -> [LocationName: Int] {
        guard let tenant else { return [:] }
        let places = try transaction.places(of: tenant)
        if !places.isEmpty, let wave = try transaction.frozenWaves(of: tenant).first?.wave {
            throw RegistryError.domainInMigration(
                fqdn, migration: wave.migration, wave: wave.number)
        }
        return places
    }

    /// Whether a domain may become what it's to be beside its tenant's other domains.
    ///
    /// - Parameter frozen: the wave that holds it.
    /// - Returns: whether that splits the tenant, as an operator said.
    func checkTenant(
        of domain: Domain, _ after: Placement, _ frozen: WaveName?, allowsSplit: Bool
    ) throws -> Bool {
        let before = domain.placement
        guard let tenant = after.tenant else { return false }
        let isSame = before.tenant.map(TenantKey.init) == TenantKey(tenant)
        guard !isSame || after.location != before.location else { return false }
        var others = try transaction.places(of: tenant)
        if isSame { others.remove(1, at: before.location) }
        guard !others.isEmpty else { return false }
        let waves = try transaction.frozenWaves(of: tenant)
        var held: WaveName?
        if isSame {
            // One that is split isn't joined where its data is being copied.
            held = waves.first { $0.location == after.location }?.wave
        } else if !waves.contains(where: { $0.wave == frozen }) {
            // A tenant that is renamed domain by domain stays in its wave: its other half is frozen there, too.
            held = waves.first?.wave ?? frozen
        }
        if let held {
            throw RegistryError.domainInMigration(
                domain.fqdn, migration: held.migration, wave: held.number)
        }
        guard others[after.location] == nil else { return false }
        if allowsSplit { return true }
        guard isSame else {
            throw RegistryError.tenantElsewhere(tenant, others.keys.sorted())
        }
        throw RegistryError.tenantSplit(
            domain.fqdn, tenant: tenant,
            others: try transaction.domains(
                of: tenant, besides: domain.fqdn, limit: Tenant.namesShown),
            total: others.values.reduce(0, +))
    }

    /// Keeps count of where tenants' domains are.
    func recount(_ before: Placement?, _ after: Placement?) throws {
        let (old, new) = (before?.tenant.map(TenantKey.init), after?.tenant.map(TenantKey.init))
        guard old != new || before?.location != after?.location else { return }
        if let before, let tenant = before.tenant {
            try transaction.count(tenant, at: before.location, by: -1)
        }
        if let after, let tenant = after.tenant {
            try transaction.count(tenant, at: after.location, by: 1)
        }
    }

    /// All domains of a tenant, wherever they are.
    func changeTenant(_ tenant: String, _ patch: TenantPatch) throws -> Decision {
        let places = try transaction.places(of: tenant)
        guard !places.isEmpty else { throw RegistryError.unknownTenant(tenant) }
        if let location = patch.location {
            guard try transaction.location(location) != nil else {
                throw RegistryError.unknownLocation(location)
            }
            if places.contains(where: { $0.key != location }),
                let frozen = try transaction.frozenDomain(of: tenant)
            {
                throw RegistryError.domainInMigration(
                    frozen.fqdn, migration: frozen.wave.migration, wave: frozen.wave.number)
            }
            for (source, count) in places.sorted(by: { $0.key < $1.key }) where source != location {
                try guardMove(of: count, from: source)
            }
        }
        let count = try transaction.apply(patch, to: tenant, revision: revision, at: at)
        if let mode = patch.mode { try transaction.setOwnModes(mode, ofTenant: tenant) }
        return Decision(
            outcome: .tenant(TenantOutcome(tenant: tenant, count: count)), movedRows: count,
            effects: RevisionChanges(revision: revision))
    }

    /// A tenant may be as large as a wave.
    private func guardMove(of count: Int, from source: LocationName) throws {
        let radius = settings.blastRadius
        let remaining = try transaction.remaining(at: source, radius) - count
        let refusal = radius.refusal(
            "the tenant", size: count, remaining: remaining, source: source)
        if let refusal { throw RegistryError.tenantTooLarge(refusal) }
    }
}

extension [LocationName: Int] {
    /// The one place that there is; nil: there are none, or several.
    fileprivate var only: LocationName? { count == 1 ? keys.first : nil }

    fileprivate mutating func remove(_ number: Int, at location: LocationName) {
        let rest = self[location, default: 0] - number
        self[location] = rest > 0 ? rest : nil
    }
}
