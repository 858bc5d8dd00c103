import RegistryModel

/// A tenant in a list.
extension Tenant: Shape {
    package static let fields: [ShapeField<Tenant>] = [
        ShapeField("tenant") { .text($0.name) },
        ShapeField("domain_count") { Cell($0.domainCount) },
        ShapeField("locations", texts: { $0.locations.map(\.text) }),
        ShapeField("split") { .bool($0.isSplit) },
        ShapeField(
            "places",
            objects: { tenant in
                tenant.locations.map {
                    TenantPlace(location: $0, domains: tenant.places[$0] ?? 0)
                }
            }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let name = object.text("tenant")
        _ = (object.count("domain_count"), object.bool("split"))
        _ = object.strings("locations", maximum: .max)
        let places = object.shapes("places", TenantPlace.self)
        guard let name else { return nil }
        self.init(
            name: name,
            places: Dictionary(places.map { ($0.location, $0.domains) }) { $1 })
    }
}

/// How many of a tenant's domains are in one place.
package struct TenantPlace: Shape, Equatable {
    package var location: LocationName
    package var domains: Int

    package static let fields: [ShapeField<TenantPlace>] = [
        ShapeField("location") { .text($0.location.text) },
        ShapeField("domains") { Cell($0.domains) },
    ]

    package init(location: LocationName, domains: Int) {
        (self.location, self.domains) = (location, domains)
    }

    package init?(reading object: inout JSONObjectReader) {
        let (location, domains) = (object.location("location"), object.count("domains"))
        guard let location, let domains else { return nil }
        self.init(location: location, domains: domains)
    }
}

/// A tenant with its domains, by name, a page of them.
package struct TenantResponse: Shape {
    package var tenant: Tenant
    package var domains: [Domain]
    package var nextCursor: String?

    package init(tenant: Tenant, domains: [Domain], nextCursor: String?) {
        (self.tenant, self.domains, self.nextCursor) = (tenant, domains, nextCursor)
    }

    package static let fields: [ShapeField<TenantResponse>] =
        Tenant.fields.map { $0.of { $0.tenant } } + [
            ShapeField("domains", objects: { $0.domains }),
            .optional("next_cursor") { Cell($0.nextCursor) },
        ]

    package init?(reading object: inout JSONObjectReader) {
        domains = object.shapes("domains", Domain.self)
        nextCursor = object.optionalText("next_cursor")
        guard let tenant = Tenant(reading: &object) else { return nil }
        self.tenant = tenant
    }
}

/// What is set on all domains of a tenant.
package struct TenantChangeRequest: Shape {
    package var location: String?
    package var mode: String?
    package var note: Note

    package init(location: String? = nil, mode: String? = nil, note: Note = Note()) {
        (self.location, self.mode, self.note) = (location, mode, note)
    }

    package static let fields: [ShapeField<TenantChangeRequest>] =
        [
            .optional("location") { Cell($0.location) }, .optional("mode") { Cell($0.mode) },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let placement = object.placement(besides: ["tenant"])
        (location, mode) = (placement.location, placement.mode)
        note = object.note()
    }

    package var patch: TenantPatch {
        TenantPatch(
            location: location.map(LocationName.init(canonical:)),
            mode: mode.flatMap(Mode.init(rawValue:)))
    }
}

/// What a change of a tenant did.
package struct TenantChangeResponse: Shape, Equatable {
    package var tenant: String
    package var revision: Revision
    /// Domains that changed.
    package var changed: Int

    package init(tenant: String, revision: Revision, changed: Int) {
        (self.tenant, self.revision, self.changed) = (tenant, revision, changed)
    }

    package static let fields: [ShapeField<TenantChangeResponse>] = [
        ShapeField("tenant") { .text($0.tenant) }, ShapeField("revision") { Cell($0.revision) },
        ShapeField("changed") { Cell($0.changed) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (tenant, revision) = (object.text("tenant"), object.revision("revision"))
        guard let tenant, let revision, let changed = object.count("changed") else { return nil }
        self.init(tenant: tenant, revision: revision, changed: changed)
    }
}
