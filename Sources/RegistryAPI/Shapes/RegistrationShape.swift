import RegistryModel

/// Whether a registration of a name would succeed.
package struct AvailabilityResponse: Shape, Equatable {
    package var fqdn: FQDN
    package var isAvailable: Bool
    /// What a registration would be refused with.
    package var code: String?
    package var availableAt: Timestamp?
    package var entangledWith: FQDN?

    package init(
        fqdn: FQDN, isAvailable: Bool, code: String?, availableAt: Timestamp? = nil,
        entangledWith: FQDN? = nil
    ) {
        self.fqdn = fqdn
        self.isAvailable = isAvailable
        self.code = code
        self.availableAt = availableAt
        self.entangledWith = entangledWith
    }

    package static let fields: [ShapeField<AvailabilityResponse>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("available") { .bool($0.isAvailable) }, .optional("code") { Cell($0.code) },
        .optional("available_at") { Cell($0.availableAt) },
        .optional("entangled_with") { Cell($0.entangledWith?.text) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (fqdn, isAvailable) = (object.fqdn("fqdn"), object.bool("available"))
        let code = object.optionalText("code")
        let availableAt = object.optionalTime("available_at")
        let other = object.has("entangled_with") ? object.fqdn("entangled_with") : nil
        guard let fqdn, let isAvailable else { return nil }
        self.init(
            fqdn: fqdn, isAvailable: isAvailable, code: code, availableAt: availableAt,
            entangledWith: other)
    }
}

/// What became of a batch, row by row in the order of the request.
package struct BatchResponse: Shape, Equatable {
    package struct Row: Shape, Equatable {
        /// As it was sent, where it is no name.
        package var fqdn: String
        /// Why it was refused; nil: it's registered.
        package var code: String?

        package init(fqdn: String, code: String?) {
            self.fqdn = fqdn
            self.code = code
        }

        package var isRegistered: Bool { code == nil }

        package static let fields: [ShapeField<Row>] = [
            ShapeField("fqdn") { .text($0.fqdn) },
            ShapeField("status") {
                .text(($0.isRegistered ? Status.registered : .refused).rawValue)
            },
            .optional("code") { Cell($0.code) },
        ]

        private enum Status: String, CaseIterable { case registered, refused }

        package init?(reading object: inout JSONObjectReader) {
            let fqdn = object.text("fqdn")
            let status = object.choice("status", Status.self)
            let code = object.optionalText("code")
            guard let fqdn, let status else { return nil }
            self.init(fqdn: fqdn, code: status == .refused ? code ?? "refused" : nil)
        }
    }

    package var revision: Revision
    package var results: [Row]

    package init(revision: Revision, results: [Row]) {
        self.revision = revision
        self.results = results
    }

    package static let fields: [ShapeField<BatchResponse>] = [
        ShapeField("revision") { Cell($0.revision) },
        ShapeField("results", objects: { $0.results }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let revision = object.revision("revision")
        let results = object.shapes("results", Row.self)
        guard let revision else { return nil }
        self.init(revision: revision, results: results)
    }
}
