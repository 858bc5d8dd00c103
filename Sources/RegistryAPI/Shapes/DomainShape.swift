import RegistryModel

extension Domain: Shape {
    package static let fields: [ShapeField<Domain>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("location") { .text($0.location.text) },
        ShapeField("mode") { .text($0.mode.rawValue) },
        .optional("tenant") { Cell($0.tenant) },
        .optional("fence") { Cell($0.fence?.rawValue) },
        ShapeField("revision") { Cell($0.revision) },
        ShapeField("registered_at") { Cell($0.registeredAt) },
        ShapeField("changed_at") { Cell($0.changedAt) },
    ]

    /// What came later stands at the end.
    package static let tableColumns = fields.filter { $0.name != "fence" } + fields.named("fence")

    /// What `tenant-registry export` writes.
    package static let importColumns = fields.named("fqdn", "location", "tenant", "mode")

    /// What `/v1/export/csv` has: it only ever grows at the end.
    package static let csvColumns = fields.named(
        "fqdn", "location", "tenant", "mode", "revision", "registered_at", "changed_at", "fence")

    package func write(to writer: inout JSONWriter) {
        withView { writer.writeDomain($0, $1) }
    }

    package init?(reading object: inout JSONObjectReader) {
        let (fqdn, location) = (object.fqdn("fqdn"), object.location("location"))
        let (mode, tenant) = (object.choice("mode", Mode.self), object.tenant())
        let fence = object.fence()
        let revision = object.revision("revision")
        let (registered, changed) = (object.time("registered_at"), object.time("changed_at"))
        guard let fqdn, let location, let mode, let revision, let registered, let changed else {
            return nil
        }
        self.init(
            fqdn: fqdn,
            placement: Placement(location: location, mode: mode, tenant: tenant, fence: fence),
            revision: revision, registeredAt: registered, changedAt: changed)
    }
}

/// A placement in people's words: what a request or a row of a file asks for, and what history tells. Words stay text, and
/// whether they'll do is told when a domain is made of them.
package struct PlacementText: WrittenShape, Equatable {
    package var location: String?
    package var mode: String?
    package var tenant: String?
    /// In history alone: it's a wave's, and nobody asks for it.
    package var fence: String?

    package init(
        location: String? = nil, mode: String? = nil, tenant: String? = nil, fence: String? = nil
    ) {
        (self.location, self.mode, self.tenant, self.fence) = (location, mode, tenant, fence)
    }

    package init(_ placement: Placement) {
        self.init(
            location: placement.location.text, mode: placement.mode.rawValue,
            tenant: placement.tenant, fence: placement.fence?.rawValue)
    }

    /// - Parameter text: a member, or what a row has in a column, by its name.
    package init(reading text: (String) -> String?) {
        self.init(location: text("location"), mode: text("mode"), tenant: text("tenant"))
    }

    package static let fields: [ShapeField<PlacementText>] = [
        .optional("location") { Cell($0.location) }, .optional("mode") { Cell($0.mode) },
        .optional("tenant") { Cell($0.tenant) },
    ]

    /// What history tells.
    static let recordedFields = fields + [.optional("fence") { Cell($0.fence) }]

    /// - Parameter text: a member of a line of history, by its name.
    init(recorded text: (String) -> String?) {
        self.init(reading: text)
        fence = text("fence")
    }

    /// What a domain may be without.
    static let clearable: Set = ["tenant"]
    /// The columns that every CSV file of history has had: what came later stands at the end there.
    static let firstColumns: Set = ["location", "mode", "tenant"]

    /// - Throws: `invalidTenant`, `invalidMode`.
    package func newDomain(
        _ fqdn: FQDN, allowsNested: Bool, allowsSplit: Bool
    ) throws(RegistryError) -> NewDomain {
        let tenant = tenant.map(TenantText.canonical)
        if let tenant, !TenantText.isValid(tenant) { throw .invalidTenant }
        guard let mode = mode.map({ Mode(rawValue: $0) }) ?? .serve else { throw .invalidMode }
        return NewDomain(
            fqdn: fqdn, location: location.map(LocationName.init(canonical:)), tenant: tenant,
            mode: mode, allowsNested: allowsNested, allowsSplit: allowsSplit)
    }

    /// - Parameter cleared: the members that are to be taken away.
    package func patch(
        clearing cleared: Set<String>, allowsNested: Bool, allowsSplit: Bool
    ) -> DomainPatch {
        DomainPatch(
            location: location.map(LocationName.init(canonical:)),
            mode: mode.flatMap(Mode.init(rawValue:)),
            tenant: cleared.contains("tenant") ? .clear : tenant.map { .set($0) },
            allowsNested: allowsNested, allowsSplit: allowsSplit)
    }
}

extension JSONObjectReader {
    /// What is wrong with a member is told at once.
    ///
    /// - Parameter passedOver: members that aren't read here.
    mutating func placement(besides passedOver: Set<String>) -> PlacementText {
        var placement = PlacementText()
        if !passedOver.contains("location") {
            placement.location = optionalString("location", maximum: 63)
        }
        if !passedOver.contains("mode") {
            placement.mode = optionalChoice("mode", Mode.self)?.rawValue
        }
        if !passedOver.contains("tenant") { placement.tenant = requestedTenant() }
        return placement
    }

    /// One that is there says how strict it is.
    mutating func fence() -> Mode? {
        let fence = optionalChoice("fence", Mode.self)
        guard fence == .serve else { return fence }
        refuse("fence", "invalid", "read_only or reject is expected")
        return nil
    }

    /// As a store holds it. At most 200 characters.
    package mutating func tenant() -> String? {
        optionalString("tenant", minimum: 1, maximum: TenantText.maximum)
    }

    /// As somebody writes it.
    private mutating func requestedTenant() -> String? {
        guard let text = optionalText("tenant") else { return nil }
        let tenant = TenantText.canonical(text)
        guard TenantText.isComposed(tenant) else {
            refuse("tenant", "invalid", "one of its letters has more marks than anybody can read")
            return nil
        }
        guard PathName.arrives(tenant) else {
            refuse(
                "tenant", "invalid",
                "nobody could ask for a tenant called . or .., for a URL's path has no such part")
            return nil
        }
        return check(tenant, of: "tenant", minimum: 1, maximum: TenantText.maximum)
    }
}

extension JSONWriter {
    /// A domain whose texts lie in memory: every lookup's answer is made of this. It allocates nothing that the
    /// writer doesn't have.
    package mutating func writeDomain(_ fqdn: UnsafeRawBufferPointer, _ domain: DomainView) {
        beginPieces()
        piece("{\"fqdn\":\"")
        piece(plain: fqdn)
        piece("\",\"location\":\"")
        piece(plain: domain.location.text)
        piece("\",\"mode\":\"")
        piece(plain: domain.mode.rawValue)
        if let tenant = domain.tenant {
            piece("\",\"tenant\":\"")
            piece(escaping: tenant)
        }
        if let fence = domain.fence {
            piece("\",\"fence\":\"")
            piece(plain: fence.rawValue)
        }
        piece("\",\"revision\":")
        piece(domain.revision.number.magnitude)
        piece(",\"registered_at\":\"")
        piece(domain.registeredAt)
        piece("\",\"changed_at\":\"")
        piece(domain.changedAt)
        piece("\"}")
        endPieces()
    }
}
