import RegistryModel

/// Who asks, as the registry sees it, and what they may do.
package struct Whoami: Shape, Equatable {
    package var actor: Actor
    /// Nil: never, or nobody who has a token.
    package var expiresAt: Timestamp?
    /// Operations by their names in openapi.yaml.
    package var may: [String]
    /// Rules that requests may set aside, by the member that asks for it. Words stay text: a newer registry has more.
    package var overrides: [String]

    package init(_ actor: Actor, expiresAt: Timestamp?) {
        self.actor = actor
        self.expiresAt = expiresAt
        may = EndpointID.allCases.filter { $0.declaration.access.isOpen(to: actor.role) }
            .flatMap(\.operationIDs)
        overrides = RuleOverride.allCases.filter { $0.isAllowed(to: actor.role) }.map(\.rawValue)
    }

    package static let fields: [ShapeField<Whoami>] =
        Actor.fields.map { $0.of { $0.actor } } + [
            .optional("expires_at") { Cell($0.expiresAt) },
            ShapeField("may", texts: { $0.may }), ShapeField("overrides", texts: { $0.overrides }),
        ]

    package static let tableColumns = fields.named(
        "token", "name", "role", "expires_at", "overrides")

    package init?(reading object: inout JSONObjectReader) {
        let actor = Actor(reading: &object)
        expiresAt = object.optionalTime("expires_at")
        may = object.strings("may", maximum: .max)
        overrides = object.strings("overrides", maximum: .max)
        guard let actor else { return nil }
        self.actor = actor
    }
}
