import RegistryModel

// A hold is a promise: its name to nobody else, and its place to whoever makes it ready. So a location that takes no
// signups any more, or isn't their default any more, still takes what was held for it. It's over at its end, whether or not
// its row is still there: who would take the name's place throws `holdsAreOver`, so that its end is noted, by the system,
// before. Names above and below don't wait for that: to them it's over.

extension CommandExecution {
    func hold(_ wanted: NewDomain, for duration: Duration) throws -> Decision {
        let home = try signup(wanted)
        let held = HeldDomain(
            fqdn: wanted.fqdn, placement: wanted.placement(at: home.location), revision: revision,
            heldAt: at, heldUntil: now.adding(duration), holder: actor.token,
            wantsLocation: wanted.location != nil, allowsNested: wanted.allowsNested,
            allowsSplit: wanted.allowsSplit)
        try transaction.insert(held)
        return Decision(
            outcome: .held(held), log: [Change(held, .held)],
            effects: RevisionChanges(revision: revision))
    }

    func activate(_ fqdn: FQDN) throws -> Decision {
        guard let held = try transaction.held(fqdn) else {
            guard try transaction.domain(fqdn) == nil else {
                throw RegistryError.domainTaken(fqdn)
            }
            throw RegistryError.notHeld(fqdn)
        }
        try checkHolder(of: held)
        // Names beside it were checked when it was held, and whoever came since knew of it.
        let home = try home(of: held)
        try transaction.deleteHeld(fqdn)
        let (domain, change) = try insert(
            NewDomain(fqdn: fqdn, tenant: held.placement.tenant, mode: held.placement.mode),
            at: home.location)
        return Decision(
            outcome: .domain(domain), log: [change],
            effects: RevisionChanges(revision: revision, domains: [.set(domain)]),
            allowsSplit: home.isSplit)
    }

    /// Nothing was served: the name is free at once.
    func release(_ held: HeldDomain, ifMatch: Precondition?) throws -> Decision {
        try checkHolder(of: held)
        try check(ifMatch, against: held.revision)
        try transaction.deleteHeld(held.fqdn)
        return Decision(
            outcome: .released, log: [Change(held, .holdReleased)],
            effects: RevisionChanges(revision: revision))
    }

    /// - Parameter fqdns: those of them that aren't over stay. Nil: the first that are over.
    func expireHolds(_ fqdns: [FQDN]?) throws -> Decision {
        let due =
            if let fqdns {
                try fqdns.compactMap { try transaction.held($0) }.filter { $0.isOver(at: now) }
            } else {
                try transaction.holdsDue(at: now, limit: HeldDomain.expiredAtOnce)
            }
        try transaction.expect(due.map(\.fqdn))
        for held in due { try transaction.deleteHeld(held.fqdn) }
        return Decision(
            outcome: .holdsExpired(due.count), log: due.map { Change($0, .holdExpired) },
            effects: RevisionChanges(revision: revision))
    }

    func checkNotHeld(_ fqdn: FQDN) throws {
        guard let held = try transaction.held(fqdn) else { return }
        guard !held.isOver(at: now) else { throw RegistryError.holdsAreOver([fqdn]) }
        throw RegistryError.domainHeld(fqdn, until: held.heldUntil)
    }

    /// An operator may do what the holder may: a token can be revoked before its holds end.
    private func checkHolder(of held: HeldDomain) throws {
        guard !held.isOver(at: now) else { throw RegistryError.holdsAreOver([held.fqdn]) }
        guard held.holder == actor.token || actor.role.may(.operate) else {
            throw RegistryError.notTheHolder(held.fqdn)
        }
    }
}

extension HeldDomain {
    /// Holds in one revision: a write that comes meanwhile waits some milliseconds for it.
    package static let expiredAtOnce = 500
}

extension Change {
    fileprivate init(_ held: HeldDomain, _ action: Action) {
        let isBeginning = action == .held
        self.init(
            action,
            .hold(
                held.fqdn, before: isBeginning ? nil : held.facts,
                after: isBeginning ? held.facts : nil, heldAt: held.heldAt))
    }
}
