import RegistryModel

// the contract: a name that is held is nobody's yet, and nobody else's either.

extension WaveModel {
    /// One that is over counts until its end is noted: whoever meets it notes it first.
    func refuseHeld(_ name: FQDN) throws(Refusal) {
        guard let held = held[name] else { return }
        guard held.heldUntil > now else { throw Refusal(areOver: [name]) }
        throw Refusal("domain-held", "\(held.heldUntil)")
    }

    mutating func hold(_ wanted: NewDomain, _ duration: Duration) throws(Refusal) -> Written {
        try checkFree(wanted.fqdn)
        let known = allowed
        let location = try home(of: wanted)
        // It splits nobody until it's activated.
        (allowed, hasSplit) = (known, false)
        let hold = HeldDomain(
            fqdn: wanted.fqdn,
            placement: Placement(
                location: location, mode: .serve, tenant: wanted.tenant, fence: nil),
            revision: next, heldAt: now, heldUntil: now.adding(duration), holder: "t-1",
            wantsLocation: wanted.location != nil, allowsNested: wanted.allowsNested,
            allowsSplit: wanted.allowsSplit)
        held[wanted.fqdn] = hold
        return Written(outcome: .held(hold), lines: [Self.line(.held, hold)])
    }

    mutating func activate(_ name: FQDN) throws(Refusal) -> Written {
        guard let hold = held[name] else {
            throw Refusal(domains[name] == nil ? "unknown-domain" : "domain-taken")
        }
        guard hold.heldUntil > now else { throw Refusal(areOver: [name]) }
        let location = try home(of: hold)
        held[name] = nil
        let line = add(
            name,
            Placement(location: location, mode: .serve, tenant: hold.placement.tenant, fence: nil))
        return Written(
            outcome: domains[name].map { .domain($0.domain) } ?? .released, lines: [line])
    }

    mutating func releaseHold(_ hold: HeldDomain) throws(Refusal) -> Written {
        guard hold.heldUntil > now else { throw Refusal(areOver: [hold.fqdn]) }
        held[hold.fqdn] = nil
        return Written(outcome: .released, lines: [Self.line(.holdReleased, hold)])
    }

    mutating func expire(_ names: [FQDN]?) -> Written {
        let over = held.values.filter { hold in
            hold.heldUntil <= now && names.map { $0.contains(hold.fqdn) } ?? true
        }
        for hold in over { held[hold.fqdn] = nil }
        return Written(
            outcome: .holdsExpired(over.count), lines: over.map { Self.line(.holdExpired, $0) })
    }

    private static func line(_ action: Action, _ hold: HeldDomain) -> Change {
        Change(
            action,
            .hold(
                hold.fqdn, before: action == .held ? nil : hold.facts,
                after: action == .held ? hold.facts : nil, heldAt: hold.heldAt))
    }
}
