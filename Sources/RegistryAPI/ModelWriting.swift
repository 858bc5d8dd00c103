import RegistryModel

// The shapes of openapi.yaml, written straight from the model: no copy in between on the way out of
// a lookup. `Resources.swift` reads the same shapes back for clients.

extension JSONWriter {
    package mutating func write(_ domain: Domain) {
        var (name, tenant) = (domain.fqdn.text, domain.tenant ?? "")
        name.withUTF8 { name in
            tenant.withUTF8 { tenant in
                writeDomain(
                    UnsafeRawBufferPointer(name), at: domain.location, domain.mode,
                    tenant: domain.tenant == nil ? nil : UnsafeRawBufferPointer(tenant),
                    domain.revision, registeredAt: domain.registeredAt, changedAt: domain.changedAt)
            }
        }
    }

    /// A domain whose texts lie in memory.
    package mutating func writeDomain(
        _ fqdn: UnsafeRawBufferPointer, at location: LocationName, _ mode: Mode,
        tenant: UnsafeRawBufferPointer?, _ revision: Revision, registeredAt: Timestamp,
        changedAt: Timestamp
    ) {
        beginPieces()
        piece("{\"fqdn\":\"")
        piece(plain: fqdn)
        piece("\",\"location\":\"")
        piece(plain: location.text)
        piece("\",\"mode\":\"")
        piece(plain: mode.rawValue)
        if let tenant {
            piece("\",\"tenant\":\"")
            piece(escaping: tenant)
        }
        piece("\",\"revision\":")
        piece(revision.number.magnitude)
        piece(",\"registered_at\":\"")
        piece(registeredAt)
        piece("\",\"changed_at\":\"")
        piece(changedAt)
        piece("\"}")
        endPieces()
    }

    package mutating func write(_ location: Location) {
        beginObject()
        field("name", location.name.text)
        settings(location.settings)
        field("revision", location.revision.number)
        endObject()
    }

    package mutating func write(_ token: TokenRecord) {
        beginObject()
        field("id", token.id)
        facts(token.facts)
        field("created_at", token.createdAt.description)
        fieldIfPresent("last_used_at", token.lastUsedAt?.description)
        endObject()
    }

    package mutating func write(_ item: HistoryItem) {
        let header = item.header
        beginObject()
        field("revision", header.revision.number)
        field("at", header.at.description)
        write(item.change)
        key("actor")
        write(header.actor)
        fieldIfPresent("reason", header.note.reason)
        fieldIfPresent("ticket", header.note.ticket)
        fieldIfPresent("migration", header.migration)
        fieldIfPresent("wave", header.wave)
        fieldIfPresent("override_reason", header.overrideReason)
        field("request_id", header.requestID)
        endObject()
    }

    private mutating func write(_ change: Change) {
        switch change.subject {
        case .domain(let fqdn, let before, let after, _):
            field("fqdn", fqdn.text)
            field("action", change.action.rawValue)
            optional("before", before) { $0.placement($1) }
            optional("after", after) { $0.placement($1) }
        case .location(let name, let before, let after):
            field("subject", name.text)
            field("action", change.action.rawValue)
            optional("before", before) { $0.settings($1) }
            optional("after", after) { $0.settings($1) }
        case .token(let id, let before, let after):
            field("subject", id)
            field("action", change.action.rawValue)
            optional("before", before) { $0.facts($1) }
            optional("after", after) { $0.facts($1) }
        case .migration(let id, let before, let after):
            field("subject", id)
            field("action", change.action.rawValue)
            optional("before", before) { $0.members(of: $1) }
            optional("after", after) { $0.members(of: $1) }
        }
    }

    private mutating func optional<Value>(
        _ name: StaticString, _ value: Value?, _ members: (inout JSONWriter, Value) -> Void
    ) {
        key(name)
        guard let value else { return null() }
        beginObject()
        members(&self, value)
        endObject()
    }

    private mutating func placement(_ placement: Placement) {
        field("location", placement.location.text)
        field("mode", placement.mode.rawValue)
        fieldIfPresent("tenant", placement.tenant)
    }

    private mutating func settings(_ settings: LocationSettings) {
        field("upstream", settings.upstream.text)
        field("accepts_signups", settings.acceptsSignups)
        field("default_for_signups", settings.isDefaultForSignups)
    }

    private mutating func facts(_ facts: TokenFacts) {
        field("name", facts.name)
        field("role", facts.role.rawValue)
        fieldIfPresent("expires_at", facts.expiresAt?.description)
    }
}
