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
    /// Without a mode: a signup is served.
    package var placement: PlacementText
    package var allowsNested: Bool
    package var allowsSplit: Bool
    /// How long the name is to be held; nil: it's registered at once.
    package var holdSeconds: Int?
    package var note: Note

    package init(
        fqdn: String, placement: PlacementText = PlacementText(), allowsNested: Bool = false,
        allowsSplit: Bool = false, holdSeconds: Int? = nil, note: Note = Note()
    ) {
        (self.fqdn, self.placement) = (fqdn, placement)
        (self.allowsNested, self.allowsSplit, self.note) = (allowsNested, allowsSplit, note)
        self.holdSeconds = holdSeconds
    }

    package static let fields: [ShapeField<DomainRegistration>] =
        [ShapeField("fqdn") { .text($0.fqdn) }]
        + PlacementText.fields.filter { $0.name != "mode" }.map { $0.of { $0.placement } }
        + [
            .optional("hold_seconds") { Cell($0.holdSeconds) },
            .flag("allow_nested") { $0.allowsNested }, .flag("allow_split") { $0.allowsSplit },
        ]
        + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let fqdn = object.text("fqdn")
        placement = object.placement(besides: ["mode"])
        let bounds = HeldDomain.durations
        holdSeconds = object.optionalInteger(
            "hold_seconds", in: Int64(bounds.lowerBound)...Int64(bounds.upperBound)
        ).map { Int($0) }
        allowsNested = object.optionalBool("allow_nested") ?? false
        allowsSplit = object.optionalBool("allow_split") ?? false
        note = object.note()
        guard let fqdn else { return nil }
        self.fqdn = fqdn
    }
}

package struct DomainChangeRequest: Shape {
    package var placement: PlacementText
    /// Members to take away: null in JSON.
    package var cleared: Set<String>
    package var allowsNested: Bool
    package var allowsSplit: Bool
    package var note: Note

    package init(
        _ placement: PlacementText, clearing cleared: Set<String> = [], allowsNested: Bool = false,
        allowsSplit: Bool = false, note: Note = Note()
    ) {
        (self.placement, self.cleared) = (placement, cleared)
        (self.allowsNested, self.allowsSplit, self.note) = (allowsNested, allowsSplit, note)
    }

    package static let fields: [ShapeField<DomainChangeRequest>] =
        PlacementText.fields.map { field in
            ShapeField(field.name, false) { change, writer in
                guard change.cleared.contains(field.name) else {
                    return field.write(change.placement, to: &writer)
                }
                writer.key(named: field.name)
                writer.null()
            }
        } + [.flag("allow_nested") { $0.allowsNested }, .flag("allow_split") { $0.allowsSplit }]
        + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let cleared = PlacementText.clearable.filter { object.isNull($0) }
        placement = object.placement(besides: cleared)
        self.cleared = cleared
        allowsNested = object.optionalBool("allow_nested") ?? false
        allowsSplit = object.optionalBool("allow_split") ?? false
        note = object.note()
    }
}

package struct Restoration: Shape {
    package var allowsNested = false
    package var allowsSplit = false
    package var note = Note()

    package init(allowsNested: Bool = false, allowsSplit: Bool = false, note: Note = Note()) {
        (self.allowsNested, self.allowsSplit) = (allowsNested, allowsSplit)
        self.note = note
    }

    package static let fields: [ShapeField<Restoration>] =
        [.flag("allow_nested") { $0.allowsNested }, .flag("allow_split") { $0.allowsSplit }]
        + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        allowsNested = object.optionalBool("allow_nested") ?? false
        allowsSplit = object.optionalBool("allow_split") ?? false
        note = object.note()
    }
}

/// Domains of a file, for example.
package struct BatchRegistration: Shape {
    /// One row, as its file said it.
    package struct Row: Shape {
        package var fqdn: String
        package var placement: PlacementText

        package init(fqdn: String, placement: PlacementText = PlacementText()) {
            (self.fqdn, self.placement) = (fqdn, placement)
        }

        package static let fields: [ShapeField<Row>] =
            [ShapeField("fqdn") { .text($0.fqdn) }]
            + PlacementText.fields.map { $0.of { $0.placement } }

        /// A value that won't do is this row's trouble; a row of another shape is the request's.
        package init?(reading object: inout JSONObjectReader) {
            fqdn = object.text("fqdn") ?? ""
            placement = PlacementText(reading: { object.optionalText($0) })
        }
    }

    package var domains: [Row]
    package var allowsNested: Bool
    package var allowsSplit: Bool
    package var note: Note

    package static let maximumRows = 10_000

    package init(
        domains: [Row], allowsNested: Bool = false, allowsSplit: Bool = false, note: Note
    ) {
        self.domains = domains
        (self.allowsNested, self.allowsSplit) = (allowsNested, allowsSplit)
        self.note = note
    }

    package static let fields: [ShapeField<BatchRegistration>] =
        [
            ShapeField("domains", objects: { $0.domains }),
            .flag("allow_nested") { $0.allowsNested }, .flag("allow_split") { $0.allowsSplit },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        domains = object.objects("domains", maximum: Self.maximumRows).compactMap { object in
            var object = object
            defer { object.finish() }
            return Row(reading: &object)
        }
        allowsNested = object.optionalBool("allow_nested") ?? false
        allowsSplit = object.optionalBool("allow_split") ?? false
        note = object.note()
    }
}

package struct LookupRequest: Shape {
    package var fqdns: [String]

    package static let maximumNames = 10_000

    package init(fqdns: [String]) {
        self.fqdns = fqdns
    }

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
}
