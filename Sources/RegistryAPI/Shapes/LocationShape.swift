import RegistryModel

extension Location: Shape {
    package static let fields: [ShapeField<Location>] = [
        ShapeField("name") { .text($0.name.text) },
        ShapeField("upstream") { .text($0.settings.upstream.text) },
        ShapeField("accepts_signups") { .bool($0.settings.acceptsSignups) },
        ShapeField("default_for_signups") { .bool($0.settings.isDefaultForSignups) },
        ShapeField("revision") { Cell($0.revision) }, .dns,
    ]

    package init?(reading object: inout JSONObjectReader) {
        let place = object.locationUpstream(isNullable: false)
        let accepts = object.bool("accepts_signups")
        let isDefault = object.bool("default_for_signups")
        let revision = object.revision("revision")
        let dns = object.optionalShape("dns", DNSTargets.self)
        guard let place, let upstream = place.upstream, let accepts, let isDefault, let revision
        else { return nil }
        self.init(
            name: place.name,
            settings: LocationSettings(
                upstream: upstream, acceptsSignups: accepts, isDefaultForSignups: isDefault,
                dns: dns),
            revision: revision)
    }
}

/// How many domains a location has.
package struct LocationCount: Shape, Equatable {
    package var location: LocationName
    package var domains: Int
    package var frozen: Int
    /// A registry that is older than this client doesn't say it.
    package var suspended: Int?

    package init(location: LocationName, domains: Int, frozen: Int, suspended: Int?) {
        self.location = location
        self.domains = domains
        self.frozen = frozen
        self.suspended = suspended
    }

    package static let fields: [ShapeField<LocationCount>] = [
        ShapeField("location") { .text($0.location.text) },
        ShapeField("domains") { Cell($0.domains) },
        ShapeField("frozen") { Cell($0.frozen) },
        ShapeField("suspended") { Cell($0.suspended) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (location, domains) = (object.location("location"), object.count("domains"))
        let (frozen, suspended) = (object.count("frozen"), object.optionalCount("suspended"))
        guard let location, let domains, let frozen else { return nil }
        self.init(location: location, domains: domains, frozen: frozen, suspended: suspended)
    }
}

/// How many domains live where.
package struct Statistics: Shape, Equatable {
    package var revision: Revision
    package var total: Int
    package var locations: [LocationCount]
    package var openMigrations: Int
    /// Nil: the store couldn't be asked, or the registry is older than this client.
    package var splitTenants: Int?

    package init(
        revision: Revision, total: Int, locations: [LocationCount], openMigrations: Int,
        splitTenants: Int?
    ) {
        self.revision = revision
        self.total = total
        self.locations = locations
        self.openMigrations = openMigrations
        self.splitTenants = splitTenants
    }

    package static let fields: [ShapeField<Statistics>] = [
        ShapeField("revision") { Cell($0.revision) }, ShapeField("total") { Cell($0.total) },
        ShapeField("locations", objects: { $0.locations }),
        ShapeField("open_migrations") { Cell($0.openMigrations) },
        .optional("split_tenants") { Cell($0.splitTenants) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (revision, total) = (object.revision("revision"), object.count("total"))
        let locations = object.shapes("locations", LocationCount.self)
        let open = object.count("open_migrations")
        let split = object.optionalCount("split_tenants")
        guard let revision, let total, let open else { return nil }
        self.init(
            revision: revision, total: total, locations: locations, openMigrations: open,
            splitTenants: split)
    }
}

/// What an operator sets for a location.
package struct LocationRequest: Shape {
    package var upstream: String
    package var acceptsSignups: Bool
    package var isDefault: Bool
    /// Nil: it stays as it is.
    package var dns: DNSChange?
    package var note: Note

    package init(
        upstream: String, acceptsSignups: Bool, isDefault: Bool, dns: DNSChange? = nil, note: Note
    ) {
        self.upstream = upstream
        self.acceptsSignups = acceptsSignups
        self.isDefault = isDefault
        self.dns = dns
        self.note = note
    }

    package static let fields: [ShapeField<LocationRequest>] =
        [
            ShapeField("upstream") { .text($0.upstream) },
            ShapeField("accepts_signups") { .bool($0.acceptsSignups) },
            ShapeField("default_for_signups") { .bool($0.isDefault) },
            ShapeField("dns", false, shape: DNSTargets.self) { request, writer in
                guard let dns = request.dns else { return }
                writer.key(named: "dns")
                switch dns {
                case .set(let targets): targets.write(to: &writer)
                case .clear: writer.null()
                }
            },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let upstream = object.string("upstream", maximum: 2048)
        let acceptsSignups = object.bool("accepts_signups")
        let isDefault = object.bool("default_for_signups")
        dns = object.dnsChange()
        note = object.note()
        if let upstream {
            do throws(UpstreamURL.Malformed) {
                _ = try UpstreamURL(setting: upstream)
            } catch {
                object.refuse("upstream", "invalid", error.explanation)
            }
        }
        guard let upstream, let acceptsSignups, let isDefault else { return nil }
        self.upstream = upstream
        self.acceptsSignups = acceptsSignups
        self.isDefault = isDefault
    }

    private var targets: DNSTargets? {
        if case .set(let targets) = dns { targets } else { nil }
    }

    /// - Throws: what reading it has complained about.
    package var settings: LocationSettings {
        get throws(UpstreamURL.Malformed) {
            LocationSettings(
                upstream: try UpstreamURL(setting: upstream), acceptsSignups: acceptsSignups,
                isDefaultForSignups: isDefault, dns: targets)
        }
    }
}
