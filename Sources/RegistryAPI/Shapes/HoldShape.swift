import RegistryModel

/// A name that is held. What an operator has allowed for it stays the registry's.
extension HeldDomain: Shape {
    package static let fields: [ShapeField<HeldDomain>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("location") { .text($0.placement.location.text) },
        ShapeField("mode") { .text($0.placement.mode.rawValue) },
        .optional("tenant") { Cell($0.placement.tenant) },
        ShapeField("revision") { Cell($0.revision) },
        ShapeField("state") { _ in .text(State.held.rawValue) },
        ShapeField("held_at") { Cell($0.heldAt) }, ShapeField("held_until") { Cell($0.heldUntil) },
        ShapeField("holder") { .text($0.holder) },
    ]

    package enum State: String, Sendable, CaseIterable { case held }

    package init?(reading object: inout JSONObjectReader) {
        let (fqdn, location) = (object.fqdn("fqdn"), object.location("location"))
        let (mode, tenant) = (object.choice("mode", Mode.self), object.tenant())
        let (revision, state) = (object.revision("revision"), object.choice("state", State.self))
        let (heldAt, heldUntil) = (object.time("held_at"), object.time("held_until"))
        guard let holder = object.text("holder"), state != nil, let fqdn, let location, let mode,
            let revision, let heldAt, let heldUntil
        else { return nil }
        self.init(
            fqdn: fqdn,
            placement: Placement(location: location, mode: mode, tenant: tenant, fence: nil),
            revision: revision, heldAt: heldAt, heldUntil: heldUntil, holder: holder,
            wantsLocation: false, allowsNested: false, allowsSplit: false)
    }
}

/// What a registration makes, and what a list holds: domains, or names that are held.
package enum DomainOrHold: Shape {
    case domain(Domain)
    case held(HeldDomain)

    package static let fields = both + domainsOwn + holdsOwn

    private static let both: [ShapeField<DomainOrHold>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("location") { .text($0.placement.location.text) },
        ShapeField("mode") { .text($0.placement.mode.rawValue) },
        .optional("tenant") { Cell($0.placement.tenant) },
        .optional("fence") { Cell($0.domain?.fence?.rawValue) },
        ShapeField("revision") { Cell($0.revision) },
    ]

    private static let domainsOwn: [ShapeField<DomainOrHold>] = [
        .optional("registered_at") { Cell($0.domain?.registeredAt) },
        .optional("changed_at") { Cell($0.domain?.changedAt) },
    ]

    private static let holdsOwn: [ShapeField<DomainOrHold>] = [
        .optional("state") { Cell($0.held.map { _ in HeldDomain.State.held.rawValue }) },
        .optional("held_at") { Cell($0.held?.heldAt) },
        .optional("held_until") { Cell($0.held?.heldUntil) },
        .optional("holder") { Cell($0.held?.holder) },
    ]

    package var domain: Domain? { if case .domain(let domain) = self { domain } else { nil } }
    package var held: HeldDomain? { if case .held(let held) = self { held } else { nil } }

    private var fqdn: FQDN {
        switch self {
        case .domain(let domain): domain.fqdn
        case .held(let held): held.fqdn
        }
    }

    private var placement: Placement {
        switch self {
        case .domain(let domain): domain.placement
        case .held(let held): held.placement
        }
    }

    package var revision: Revision {
        switch self {
        case .domain(let domain): domain.revision
        case .held(let held): held.revision
        }
    }

    package func write(to writer: inout JSONWriter) {
        switch self {
        case .domain(let domain): domain.write(to: &writer)
        case .held(let held): held.write(to: &writer)
        }
    }

    package init?(reading object: inout JSONObjectReader) {
        if object.has("state") {
            guard let held = HeldDomain(reading: &object) else { return nil }
            self = .held(held)
        } else {
            guard let domain = Domain(reading: &object) else { return nil }
            self = .domain(domain)
        }
    }
}
