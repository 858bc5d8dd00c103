import RegistryModel

extension CommandExecution {
    func register(_ wanted: NewDomain) throws -> Decision {
        let home = try signup(wanted)
        let (domain, change) = try insert(wanted, at: home.location)
        return Decision(
            outcome: .domain(domain), log: [change],
            effects: RevisionChanges(revision: revision, domains: [.set(domain)]),
            allowsSplit: home.isSplit)
    }

    /// Whether a location takes signups doesn't matter here: an operator brings existing tenants.
    func registerBatch(_ rows: [BatchRow]) throws -> Decision {
        var refused: [Int: String] = [:]
        var log: [Change] = []
        var effects = RevisionChanges(revision: revision)
        var allowsSplit = false
        var locations: [LocationName?: Location] = [:]
        var over: [FQDN] = []
        for (index, row) in rows.enumerated() {
            switch row {
            case .refused(let code):
                refused[index] = code
            case .wanted(let wanted):
                do {
                    try checkFree(wanted)
                    let home = try home(for: wanted) { name in
                        if let known = locations[name] { return known }
                        let location = try signupLocation(name)
                        locations[name] = location
                        return location
                    }
                    let (domain, change) = try insert(wanted, at: home.location)
                    allowsSplit = allowsSplit || home.isSplit
                    log.append(change)
                    effects.domains.append(.set(domain))
                } catch RegistryError.holdsAreOver(let names) {
                    over += names
                } catch let refusal as RegistryError {
                    refused[index] = refusal.code
                }
            }
        }
        guard over.isEmpty else { throw RegistryError.holdsAreOver(over) }
        return Decision(
            outcome: .batch(refused: refused), log: log, effects: effects, allowsSplit: allowsSplit)
    }

    func change(_ fqdn: FQDN, _ patch: DomainPatch, ifMatch: Precondition?) throws -> Decision {
        var domain = try live(fqdn, ifMatch: ifMatch)
        let before = domain.placement
        let freeze = try transaction.freeze(of: fqdn)
        if let freeze, let location = patch.location, location != before.location {
            throw RegistryError.domainInMigration(
                fqdn, migration: freeze.wave.migration, wave: freeze.wave.number)
        }
        if let location = patch.location, try transaction.location(location) == nil {
            throw RegistryError.unknownLocation(location)
        }
        var after = patch.applied(to: before)
        var newOwnMode: Mode?
        if let freeze {
            // Proxies are told the stricter one, as long as the freeze lasts.
            let own = patch.mode ?? freeze.ownMode
            newOwnMode = own == freeze.ownMode ? nil : own
            after.mode = newOwnMode.map { max($0, freeze.mode) } ?? before.mode
        }
        guard after != before || newOwnMode != nil else {
            return .unchanged(.domain(domain), at: revision)
        }
        if after.tenant != before.tenant, !patch.allowsNested {
            try checkNest(of: fqdn, for: after.tenant)
        }
        let isSplit = try checkTenant(
            of: domain, after, freeze?.wave, allowsSplit: patch.allowsSplit)
        if let freeze, let newOwnMode {
            try transaction.setOwnMode(newOwnMode, of: fqdn, in: freeze.wave)
        }

        domain.placement = after
        domain.revision = revision
        domain.changedAt = at
        try transaction.update(domain)
        try recount(before, after)
        let action: Action = after.location == before.location ? .updated : .moved
        return Decision(
            outcome: .domain(domain),
            log: [
                Change(
                    action,
                    .domain(fqdn, before: before, after: after, registeredAt: domain.registeredAt))
            ],
            effects: RevisionChanges(revision: revision, domains: [.set(domain)]),
            allowsSplit: isSplit)
    }

    func release(_ fqdn: FQDN, ifMatch: Precondition?) throws -> Decision {
        if let held = try transaction.held(fqdn) { return try release(held, ifMatch: ifMatch) }
        let domain = try live(fqdn, ifMatch: ifMatch)
        guard actor.role.may(.operate) else { throw RegistryError.releaseForbidden(actor.role) }
        if let wave = try transaction.freeze(of: fqdn)?.wave {
            throw RegistryError.domainInMigration(
                fqdn, migration: wave.migration, wave: wave.number)
        }
        try transaction.deleteDomain(fqdn)
        try recount(domain.placement, nil)
        try transaction.insert(
            ReleasedDomain(
                fqdn: fqdn, placement: domain.placement, revision: revision,
                registeredAt: domain.registeredAt, releasedAt: at,
                availableAt: now.adding(quarantine)))
        return Decision(
            outcome: .released,
            log: [
                Change(
                    .released,
                    .domain(
                        fqdn, before: domain.placement, after: nil,
                        registeredAt: domain.registeredAt))
            ],
            effects: RevisionChanges(revision: revision, domains: [.gone(fqdn)]))
    }

    /// Brings a domain back as it was; only its revision and time of change are new, and its location where its tenant
    /// lives elsewhere by now.
    func restore(_ fqdn: FQDN, allowsNested: Bool, allowsSplit: Bool) throws -> Decision {
        guard try transaction.domain(fqdn) == nil else { throw RegistryError.domainTaken(fqdn) }
        try checkNotHeld(fqdn)
        guard let released = try transaction.released(fqdn) else {
            throw RegistryError.unknownDomain(fqdn)
        }
        var placement = released.placement
        if !allowsNested { try checkNest(of: fqdn, for: placement.tenant) }
        let home = try home(of: fqdn, restored: placement, allowsSplit: allowsSplit)
        placement.location = home.location
        // Its wave, if one is announced still, doesn't know it by this.
        placement.fence = nil
        guard try transaction.location(placement.location) != nil else {
            throw RegistryError.unknownLocation(placement.location)
        }
        let domain = Domain(
            fqdn: fqdn, placement: placement, revision: revision,
            registeredAt: released.registeredAt, changedAt: at)
        try transaction.deleteReleased(fqdn)
        try transaction.insert(domain)
        try recount(nil, placement)
        return Decision(
            outcome: .domain(domain),
            log: [
                Change(
                    .restored,
                    .domain(
                        fqdn, before: nil, after: domain.placement,
                        registeredAt: domain.registeredAt))
            ],
            effects: RevisionChanges(revision: revision, domains: [.set(domain)]),
            allowsSplit: home.isSplit)
    }
}

extension CommandExecution {
    private func live(_ fqdn: FQDN, ifMatch: Precondition?) throws -> Domain {
        guard let domain = try transaction.domain(fqdn) else {
            // RFC 9110 §13.1.1: a precondition on what isn't there is false.
            throw ifMatch == nil
                ? RegistryError.unknownDomain(fqdn) : RegistryError.revisionMismatch(current: nil)
        }
        try check(ifMatch, against: domain.revision)
        return domain
    }

    func check(_ ifMatch: Precondition?, against revision: Revision) throws {
        let position = Position(epoch: epoch, revision: revision)
        if let ifMatch, !ifMatch.holds(for: position) {
            throw RegistryError.revisionMismatch(current: position)
        }
    }

    /// Where a signup's name goes, which is free.
    func signup(_ wanted: NewDomain) throws -> Home {
        try checkFree(wanted)
        let home = try home(for: wanted, signupLocation)
        guard home.acceptsSignups else { throw RegistryError.locationClosed(home.location) }
        return home
    }

    private func checkFree(_ wanted: NewDomain) throws {
        let fqdn = wanted.fqdn
        guard try transaction.domain(fqdn) == nil else { throw RegistryError.domainTaken(fqdn) }
        try checkNotHeld(fqdn)
        if let released = try transaction.released(fqdn), released.availableAt > now {
            throw RegistryError.domainQuarantined(fqdn, availableAt: released.availableAt)
        }
        if !wanted.allowsNested { try checkNest(of: fqdn, for: wanted.tenant) }
    }

    private func checkNest(of fqdn: FQDN, for tenant: String?) throws {
        let nest = Entanglement(names: transaction, suffixes: settings.suffixes, now: now)
        if let other = try nest.other(than: fqdn, of: tenant) {
            throw RegistryError.nameEntangled(fqdn, with: other)
        }
    }

    func signupLocation(_ name: LocationName?) throws -> Location {
        guard let name else {
            // The schema keeps exactly one default, and no command takes the last mark away.
            guard let location = try transaction.defaultLocation() else {
                throw RegistryError.inconsistent
            }
            return location
        }
        guard let location = try transaction.location(name) else {
            throw RegistryError.unknownLocation(name)
        }
        return location
    }

    func insert(_ wanted: NewDomain, at location: LocationName) throws -> (Domain, Change) {
        let placement = wanted.placement(at: location)
        let domain = Domain(
            fqdn: wanted.fqdn, placement: placement, revision: revision, registeredAt: at,
            changedAt: at)
        try transaction.deleteReleased(wanted.fqdn)
        try transaction.insert(domain)
        try recount(nil, placement)
        return (
            domain,
            Change(
                .registered, .domain(wanted.fqdn, before: nil, after: placement, registeredAt: at))
        )
    }
}
