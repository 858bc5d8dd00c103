import RegistryModel

// the contract: a tenant's domains are in one place, unless somebody says so.

extension WaveModel {
    private func domains(of tenant: String) -> [Domain] {
        domains.values.map(\.domain).filter { $0.tenant == tenant }
    }

    /// Where a tenant's domains are, without one.
    func places(of tenant: String?, besides name: FQDN? = nil) -> Set<LocationName> {
        guard let tenant else { return [] }
        return Set(domains(of: tenant).filter { $0.fqdn != name }.map(\.location))
    }

    /// The waves that move the tenant whole and hold it frozen.
    private func freezes(
        ofTenant tenant: String
    ) -> [(migration: String, wave: Int, from: LocationName)] {
        let names = Set(domains(of: tenant).map(\.fqdn))
        return migrations.filter(\.plan.wholeTenants).flatMap { migration in
            zip(1..., migration.waves).filter { _, wave in
                wave.state == .frozen && wave.rows.contains { names.contains($0.name) }
            }.map { (migration.id, $0.0, migration.from) }
        }
    }

    private func refuseFrozen(_ tenant: String?) throws(Refusal) {
        guard let tenant, let freeze = freezes(ofTenant: tenant).first else { return }
        throw Refusal("domain-in-migration", "\(freeze.migration) \(freeze.wave)")
    }

    /// Where a new domain goes.
    mutating func home(of wanted: NewDomain) throws(Refusal) -> LocationName {
        let places = places(of: wanted.tenant)
        if !places.isEmpty { try refuseFrozen(wanted.tenant) }
        guard let asked = wanted.location else {
            return places.count == 1 ? places.first ?? japan : japan
        }
        guard locations[asked] != nil else { throw Refusal("unknown-location") }
        guard !places.isEmpty, !places.contains(asked) else { return asked }
        guard wanted.allowsSplit else { throw Refusal("tenant-elsewhere") }
        splits(wanted.tenant)
        return asked
    }

    /// Where a domain comes back.
    mutating func home(
        of name: FQDN, restored placement: Placement, allowsSplit: Bool
    ) throws(Refusal) -> LocationName {
        let places = places(of: placement.tenant)
        if !places.isEmpty { try refuseFrozen(placement.tenant) }
        if places.isEmpty || places.contains(placement.location) { return placement.location }
        guard allowsSplit else { return places.count == 1 ? places.first ?? japan : japan }
        splits(placement.tenant)
        return placement.location
    }

    /// Where a name that was held becomes a domain.
    mutating func home(of hold: HeldDomain) throws(Refusal) -> LocationName {
        let (promised, tenant) = (hold.placement.location, hold.placement.tenant)
        let places = places(of: tenant)
        if !places.isEmpty { try refuseFrozen(tenant) }
        if places.isEmpty || places.contains(promised) { return promised }
        guard hold.wantsLocation else {
            return places.count == 1 ? places.first ?? promised : promised
        }
        guard hold.allowsSplit else { throw Refusal("tenant-elsewhere") }
        splits(tenant)
        return promised
    }

    /// Whether a live domain may become so.
    mutating func checkTenant(
        _ domain: Domain, _ after: Placement, allowsSplit: Bool
    ) throws(Refusal) {
        guard let tenant = after.tenant,
            tenant != domain.tenant || after.location != domain.location
        else { return }
        let others = places(of: tenant, besides: domain.fqdn)
        guard !others.isEmpty else { return }
        let theirs = freezes(ofTenant: tenant)
        let own = freeze(of: domain.fqdn)
        let held =
            if tenant == domain.tenant {
                theirs.first { $0.from == after.location }.map { ($0.migration, $0.wave) }
            } else if theirs.contains(where: {
                $0.migration == own?.migration && $0.wave == own?.wave
            }) {
                nil as (String, Int)?
            } else {
                theirs.first.map { ($0.migration, $0.wave) } ?? own.map { ($0.migration, $0.wave) }
            }
        if let held { throw Refusal("domain-in-migration", "\(held.0) \(held.1)") }
        guard !others.contains(after.location) else { return }
        guard allowsSplit else {
            throw Refusal(tenant == domain.tenant ? "tenant-split" : "tenant-elsewhere")
        }
        splits(tenant)
    }

    private mutating func splits(_ tenant: String?) {
        hasSplit = true
        tenant.map { _ = allowed.insert($0) }
    }

    mutating func changeTenant(
        _ tenant: String, _ patch: TenantPatch
    ) throws(Refusal) -> Written {
        let all = domains(of: tenant).sorted { $0.fqdn.text < $1.fqdn.text }
        guard !all.isEmpty else { throw Refusal("unknown-tenant") }
        if let location = patch.location {
            guard locations[location] != nil else { throw Refusal("unknown-location") }
            let isMove = all.contains { $0.location != location }
            for domain in all where isMove {
                guard let freeze = freeze(of: domain.fqdn) else { continue }
                throw Refusal("domain-in-migration", "\(freeze.migration) \(freeze.wave)")
            }
            for source in Set(all.map(\.location)) where source != location {
                let moved = all.count { $0.location == source }
                if moved > radius.maximumWave
                    || radius.minimumRemaining > 0
                        && count(at: source) - moved < radius.minimumRemaining
                {
                    throw Refusal("blast-radius")
                }
            }
        }
        var lines: [Change] = []
        for domain in all {
            var placement = domain.placement
            if let location = patch.location, location != placement.location {
                (placement.location, placement.fence) = (location, nil)
            }
            var isOwnChanged = false
            if let mode = patch.mode {
                if freeze(of: domain.fqdn) == nil {
                    placement.mode = mode
                } else if let told = setOwn(mode, of: domain.fqdn) {
                    placement.mode = told
                    isOwnChanged = true
                }
            }
            guard placement != domain.placement || isOwnChanged else { continue }
            let isMove = placement.location != domain.location
            if let line = place(domain.fqdn, placement, isMove ? .moved : .updated) {
                lines.append(line)
            }
        }
        return Written(
            outcome: .tenant(TenantOutcome(tenant: tenant, count: lines.count)), lines: lines)
    }

    // MARK: Plans and steps

    /// The selection with what its tenants bring along, each tenant together where its first name stands.
    func bringingTenants(_ selected: [FQDN], _ from: LocationName) -> [[FQDN]] {
        var units: [[FQDN]] = []
        var unit: [String: Int] = [:]
        var seen: Set<FQDN> = []
        for name in selected {
            let isAgain = !seen.insert(name).inserted
            guard !isAgain, let tenant = domains[name]?.domain.tenant else {
                units.append([name])
                continue
            }
            if let known = unit[tenant] {
                units[known].append(name)
            } else {
                unit[tenant] = units.count
                units.append([name])
            }
        }
        for (tenant, place) in unit {
            units[place] += domains(of: tenant).filter { $0.location == from }.map(\.fqdn)
                .filter { !seen.contains($0) }.sorted { $0.text < $1.text }
        }
        return units
    }

    /// Whether a tenant would be in one place once what is still at `from` has moved.
    func movesWhole(_ unit: [FQDN], _ plan: MigrationPlan, isSpokenFor: (FQDN) -> Bool) -> Bool {
        guard let tenant = unit.lazy.compactMap({ domains[$0]?.domain.tenant }).first else {
            return true
        }
        let all = domains(of: tenant)
        return all.allSatisfy { [plan.from, plan.to].contains($0.location) }
            && !all.contains { $0.location == plan.from && isSpokenFor($0.fqdn) }
    }

    /// Domains that a step which goes on from `location` would leave there, of tenants that it takes.
    func strangers(
        _ rows: [ModelMigration.Row], _ migration: ModelMigration
    ) -> [WaveConflict] {
        guard migration.plan.wholeTenants else { return [] }
        let names = Set(rows.map(\.name))
        let tenants = Set(rows.compactMap { domains[$0.name]?.domain.tenant })
        return domains.values.map(\.domain).filter { domain in
            domain.location == migration.from && !names.contains(domain.fqdn)
                && domain.tenant.map(tenants.contains) ?? false
        }.sorted { $0.fqdn.text < $1.fqdn.text }.map(Self.stranger)
    }

    /// The tenants among these rows that a rollback would part from what has changed since the cutover, and what that is.
    func dividedTenants(
        _ rows: [ModelMigration.Row], _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> [String: [WaveConflict]] {
        guard migration.plan.wholeTenants else { return [:] }
        let names = Set(rows.map(\.name))
        var divided: [String: [WaveConflict]] = [:]
        for tenant in Set(rows.compactMap({ domains[$0.name]?.domain.tenant })) {
            let away = domains(of: tenant).filter { $0.location != migration.from }
            guard away.contains(where: { !names.contains($0.fqdn) }) else { continue }
            let come = away.filter { domain in
                let then = past[domain.fqdn]?.last { $0.from <= wave.revision ?? .zero }?.domain
                return then?.tenant != tenant || then?.location != domain.location
            }
            if !come.isEmpty { divided[tenant] = come.map(Self.stranger) }
        }
        return divided
    }

    /// Domains of the rows' tenants that another wave, of whole tenants, holds where a step goes, by tenant.
    func frozen(
        at location: LocationName, besides wave: ModelMigration.Wave,
        _ rows: [ModelMigration.Row], _ migration: ModelMigration
    ) -> [String: [WaveConflict]] {
        let other = migrations.filter(\.plan.wholeTenants).flatMap(\.waves).filter {
            $0.state == .frozen && $0.rows.map(\.name) != wave.rows.map(\.name)
        }
        let names = Set(other.flatMap(\.rows).map(\.name))
        var found: [String: [WaveConflict]] = [:]
        for tenant in Set(rows.compactMap({ domains[$0.name]?.domain.tenant })) {
            let held = domains(of: tenant).filter {
                $0.location == location && names.contains($0.fqdn)
            }
            guard !held.isEmpty else { continue }
            found[tenant] = held.map { domain in
                WaveConflict(
                    fqdn: domain.fqdn, expected: nil,
                    found: .init(location: domain.location, mode: domain.mode), reason: .frozen)
            }
        }
        return found
    }

    private static func stranger(_ domain: Domain) -> WaveConflict {
        WaveConflict(
            fqdn: domain.fqdn, expected: nil,
            found: .init(location: domain.location, mode: domain.mode))
    }

    /// What the store's lists show.
    var tenants: [Tenant] {
        Dictionary(grouping: domains.values.map(\.domain).filter { $0.tenant != nil }) {
            $0.tenant ?? ""
        }.map { name, domains in
            Tenant(
                name: name, places: Dictionary(grouping: domains, by: \.location).mapValues(\.count)
            )
        }.sorted { $0.name < $1.name }
    }

    /// Tenants that are in more than one place though nobody has said so.
    var splitByAccident: [Tenant] { tenants.filter { $0.isSplit && !allowed.contains($0.name) } }
}
