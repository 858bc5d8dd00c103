import RegistryModel

extension Domain: Shape {
    package static let fields: [ShapeField<Domain>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("location") { .text($0.location.text) },
        ShapeField("mode") { .text($0.mode.rawValue) },
        .optional("tenant") { Cell($0.tenant) },
        ShapeField("revision") { Cell($0.revision) },
        ShapeField("registered_at") { Cell($0.registeredAt) },
        ShapeField("changed_at") { Cell($0.changedAt) },
    ]

    /// What an import reads, and `tenant-registry export` writes.
    package static let importColumns = fields.named("fqdn", "location", "tenant", "mode")

    /// What `/v1/export/csv` has: those of an import, and then the rest.
    package static let csvColumns =
        importColumns + fields.named("revision", "registered_at", "changed_at")

    package func write(to writer: inout JSONWriter) {
        var (name, tenant) = (fqdn.text, tenant ?? "")
        name.withUTF8 { name in
            tenant.withUTF8 { tenant in
                writer.writeDomain(
                    UnsafeRawBufferPointer(name), at: location, mode,
                    tenant: self.tenant == nil ? nil : UnsafeRawBufferPointer(tenant),
                    revision, registeredAt: registeredAt, changedAt: changedAt)
            }
        }
    }

    package init?(reading object: inout JSONObjectReader) {
        let (fqdn, location) = (object.fqdn("fqdn"), object.location("location"))
        let mode = object.choice("mode", Mode.self)
        let tenant = object.optionalString("tenant", minimum: 1, maximum: 200)
        let revision = object.revision("revision")
        let (registered, changed) = (object.time("registered_at"), object.time("changed_at"))
        guard let fqdn, let location, let mode, let revision, let registered, let changed else {
            return nil
        }
        self.init(
            fqdn: fqdn, placement: Placement(location: location, mode: mode, tenant: tenant),
            revision: revision, registeredAt: registered, changedAt: changed)
    }
}

extension JSONWriter {
    /// A domain whose texts lie in memory: every lookup's answer is made of this. It allocates nothing that the
    /// writer doesn't have.
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
}
