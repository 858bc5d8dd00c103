import RegistryModel

// the contract.

extension WaveModel {
    mutating func register(_ wanted: NewDomain) throws(Refusal) -> Written {
        let change = try insert(wanted)
        return Written(
            outcome: domains[wanted.fqdn].map { .domain($0.domain) } ?? .released, lines: [change])
    }

    mutating func registerBatch(_ rows: [BatchRow]) throws(Refusal) -> Written {
        var refused: [Int: String] = [:]
        var over: [FQDN] = []
        var lines: [Change] = []
        for (index, row) in rows.enumerated() {
            guard case .wanted(let wanted) = row else { continue }
            do throws(Refusal) {
                lines.append(try insert(wanted))
            } catch {
                over += error.areOver
                refused[index] = error.code
            }
        }
        guard over.isEmpty else { throw Refusal(areOver: over) }
        return Written(outcome: .batch(refused: refused), lines: lines)
    }

    private mutating func insert(_ wanted: NewDomain) throws(Refusal) -> Change {
        try checkFree(wanted.fqdn)
        let location = try home(of: wanted)
        return add(
            wanted.fqdn,
            Placement(location: location, mode: .serve, tenant: wanted.tenant, fence: nil))
    }

    func checkFree(_ name: FQDN) throws(Refusal) {
        guard domains[name] == nil else { throw Refusal("domain-taken") }
        try refuseHeld(name)
        if let availableAt = released[name]?.availableAt, availableAt > now {
            throw Refusal("domain-quarantined", "\(availableAt)")
        }
    }

    mutating func add(_ name: FQDN, _ placement: Placement) -> Change {
        released[name] = nil
        lives += 1
        domains[name] = Live(
            domain: Domain(
                fqdn: name, placement: placement, revision: next, registeredAt: now,
                changedAt: now),
            life: lives)
        return Change(
            .registered, .domain(name, before: nil, after: placement, registeredAt: now))
    }

    mutating func change(_ name: FQDN, _ patch: DomainPatch) throws(Refusal) -> Written {
        guard let live = domains[name] else { throw Refusal("unknown-domain") }
        let freeze = freeze(of: name)
        if let freeze, let location = patch.location, location != live.domain.location {
            throw Refusal("domain-in-migration", "\(freeze.migration) \(freeze.wave)")
        }
        if let location = patch.location, locations[location] == nil {
            throw Refusal("unknown-location")
        }
        var placement = live.domain.placement
        if let location = patch.location, location != placement.location {
            (placement.location, placement.fence) = (location, nil)
        }
        if let mode = patch.mode { placement.mode = mode }
        switch patch.tenant {
        case .set(let tenant): placement.tenant = tenant
        case .clear: placement.tenant = nil
        case nil: break
        }
        try checkTenant(live.domain, placement, allowsSplit: patch.allowsSplit)
        var isOwnChanged = false
        if freeze != nil {
            placement.mode = live.domain.mode
            if let mode = patch.mode, let told = setOwn(mode, of: name) {
                placement.mode = told
                isOwnChanged = true
            }
        }
        guard placement != live.domain.placement || isOwnChanged else {
            return Written(outcome: .domain(live.domain), lines: [])
        }
        let isMove = placement.location != live.domain.location
        let line = place(name, placement, isMove ? .moved : .updated)
        return Written(
            outcome: .domain(domains[name]?.domain ?? live.domain), lines: line.map { [$0] } ?? [])
    }

    /// - Returns: what proxies are told from now on; nil: it's so already.
    mutating func setOwn(_ mode: Mode, of name: FQDN) -> Mode? {
        for (place, migration) in migrations.enumerated() {
            for (number, wave) in migration.waves.enumerated() where wave.state == .frozen {
                guard let row = wave.rows.firstIndex(where: { $0.name == name }) else { continue }
                guard wave.rows[row].own != mode else { return nil }
                migrations[place].waves[number].rows[row].changed = mode
                return max(mode, migration.plan.freeze.mode ?? .serve)
            }
        }
        return nil
    }

    mutating func release(_ name: FQDN) throws(Refusal) -> Written {
        if let hold = held[name] { return try releaseHold(hold) }
        let live = try changeable(name)
        domains[name] = nil
        released[name] = Released(live: live, availableAt: now.adding(quarantine))
        return Written(
            outcome: .released,
            lines: [
                Change(
                    .released,
                    .domain(
                        name, before: live.domain.placement, after: nil,
                        registeredAt: live.domain.registeredAt))
            ])
    }

    mutating func restore(_ name: FQDN, allowsSplit: Bool) throws(Refusal) -> Written {
        guard domains[name] == nil else { throw Refusal("domain-taken") }
        try refuseHeld(name)
        guard var live = released[name]?.live else { throw Refusal("unknown-domain") }
        live.domain.placement.location = try home(
            of: name, restored: live.domain.placement, allowsSplit: allowsSplit)
        guard locations[live.domain.location] != nil else { throw Refusal("unknown-location") }
        live.domain.placement.fence = nil
        released[name] = nil
        live.domain.revision = next
        live.domain.changedAt = now
        domains[name] = live
        return Written(
            outcome: .domain(live.domain),
            lines: [
                Change(
                    .restored,
                    .domain(
                        name, before: nil, after: live.domain.placement,
                        registeredAt: live.domain.registeredAt))
            ])
    }

    /// A live domain that no frozen wave holds.
    private func changeable(_ name: FQDN) throws(Refusal) -> Live {
        guard let live = domains[name] else { throw Refusal("unknown-domain") }
        if let (migration, wave) = freeze(of: name) {
            throw Refusal("domain-in-migration", "\(migration) \(wave)")
        }
        return live
    }

    // MARK: Locations

    mutating func putLocation(_ name: LocationName, _ settings: LocationSettings) -> Written {
        let before = locations[name]
        if let before, before.settings == settings {
            return Written(outcome: .location(before, isNew: false), lines: [])
        }
        let location = Location(name: name, settings: settings, revision: next)
        locations[name] = location
        return Written(
            outcome: .location(location, isNew: before == nil),
            lines: [
                Change(
                    .locationChanged, .location(name, before: before?.settings, after: settings))
            ])
    }

    mutating func deleteLocation(_ name: LocationName) throws(Refusal) -> Written {
        guard let before = locations[name] else { throw Refusal("unknown-location") }
        let isUsed =
            domains.values.contains { $0.domain.location == name }
            || held.values.contains { $0.placement.location == name }
            || released.values.contains {
                $0.live.domain.location == name && $0.availableAt > now
            } || migrations.contains { $0.state.isOpen && [$0.from, $0.to].contains(name) }
        guard !isUsed else { throw Refusal("location-in-use") }
        locations[name] = nil
        return Written(
            outcome: .locationDeleted,
            lines: [Change(.locationChanged, .location(name, before: before.settings, after: nil))])
    }
}
