import RegistryModel

// What changes domains. Whatever is wrong with a name is the name's own rule to tell, so that names and what a row
// of a batch says come as text.

/// Why, as every write may say it.
extension Note: Shape {
    package static let fields: [ShapeField<Note>] = note(of: { $0 })

    package init?(reading object: inout JSONObjectReader) {
        self = object.note()
    }

    static func note<Value>(
        of note: @escaping @Sendable (Value) -> Note
    ) -> [ShapeField<Value>] {
        [
            .optional("reason") { Cell(note($0).reason) },
            .optional("ticket") { Cell(note($0).ticket) },
        ]
    }
}

package struct DomainRegistration: Shape {
    package var fqdn: String
    package var location: String?
    package var tenant: String?
    package var allowsNested = false
    package var note = Note()

    package init(fqdn: String) {
        self.fqdn = fqdn
    }

    package static let fields =
        [
            ShapeField<DomainRegistration>("fqdn") { .text($0.fqdn) },
            .optional("location") { Cell($0.location) }, .optional("tenant") { Cell($0.tenant) },
            .flag("allow_nested") { $0.allowsNested },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let fqdn = object.text("fqdn")
        location = object.optionalString("location", maximum: 63)
        tenant = object.tenant()
        allowsNested = object.optionalBool("allow_nested") ?? false
        note = object.note()
        guard let fqdn else { return nil }
        self.fqdn = fqdn
    }
}

package struct DomainChangeRequest: Shape {
    package var location: String?
    package var mode: String?
    package var tenant: DomainPatch.TenantChange?
    package var allowsNested = false
    package var note = Note()

    package init() {}

    package static let fields =
        [
            ShapeField<DomainChangeRequest>.optional("location") { Cell($0.location) },
            .optional("mode") { Cell($0.mode) },
            ShapeField("tenant", false) { change, writer in
                switch change.tenant {
                case .set(let name): writer.field("tenant", name)
                case .clear:
                    writer.key("tenant")
                    writer.null()
                case nil: break
                }
            },
            .flag("allow_nested") { $0.allowsNested },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        location = object.optionalString("location", maximum: 63)
        mode = object.optionalChoice("mode", Mode.self)?.rawValue
        tenant = object.isNull("tenant") ? .clear : object.tenant().map { .set($0) }
        allowsNested = object.optionalBool("allow_nested") ?? false
        note = object.note()
    }
}

package struct Restoration: Shape {
    package var allowsNested = false
    package var note = Note()

    package init(allowsNested: Bool = false, note: Note = Note()) {
        self.allowsNested = allowsNested
        self.note = note
    }

    package static let fields: [ShapeField<Restoration>] =
        [.flag("allow_nested") { $0.allowsNested }] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        allowsNested = object.optionalBool("allow_nested") ?? false
        note = object.note()
    }
}

/// Domains of a file, for example.
package struct BatchRegistration: Shape {
    /// One row, as its file said it.
    package struct Row: Shape {
        package var fqdn: String
        package var location: String?
        package var tenant: String?
        package var mode: String?

        package init(fqdn: String, location: String?, tenant: String?, mode: String? = nil) {
            self.fqdn = fqdn
            self.location = location
            self.tenant = tenant
            self.mode = mode
        }

        package static let fields: [ShapeField<Row>] = [
            ShapeField("fqdn") { .text($0.fqdn) }, .optional("location") { Cell($0.location) },
            .optional("tenant") { Cell($0.tenant) }, .optional("mode") { Cell($0.mode) },
        ]

        /// A value that won't do is this row's trouble; a row of another shape is the request's.
        package init?(reading object: inout JSONObjectReader) {
            fqdn = object.text("fqdn") ?? ""
            location = object.optionalText("location")
            tenant = object.optionalText("tenant")
            mode = object.optionalText("mode")
        }
    }

    package var domains: [Row]
    package var allowsNested: Bool
    package var note: Note

    package static let maximumRows = 10_000

    package init(domains: [Row], allowsNested: Bool, note: Note) {
        self.domains = domains
        self.allowsNested = allowsNested
        self.note = note
    }

    package static let fields: [ShapeField<BatchRegistration>] =
        [
            ShapeField("domains", objects: { $0.domains }),
            .flag("allow_nested") { $0.allowsNested },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        domains = object.objects("domains", maximum: Self.maximumRows).compactMap { object in
            var object = object
            defer { object.finish() }
            return Row(reading: &object)
        }
        allowsNested = object.optionalBool("allow_nested") ?? false
        note = object.note()
    }
}

package struct LookupRequest: Shape {
    package var fqdns: [String]

    package static let maximumNames = 10_000

    package static let fields: [ShapeField<LookupRequest>] = [
        ShapeField("fqdns", texts: { $0.fqdns })
    ]

    package init?(reading object: inout JSONObjectReader) {
        fqdns = object.strings("fqdns", maximum: Self.maximumNames)
    }
}

extension ShapeField {
    /// A boolean that is only said where it's true.
    static func flag(
        _ name: String, _ value: @escaping @Sendable (Value) -> Bool
    ) -> ShapeField {
        .optional(name) { value($0) ? .bool(true) : .absent }
    }
}

extension JSONObjectReader {
    package mutating func note() -> Note {
        Note(
            reason: optionalString("reason", maximum: 500, allowsLineBreaks: true),
            ticket: optionalString("ticket", maximum: 100))
    }

    /// At most 200 characters.
    package mutating func tenant() -> String? {
        optionalString("tenant", minimum: 1, maximum: 200)
    }
}
