import RegistryModel

/// A token as the API shows it: without its digest, and with the secret only in the answer that made it.
package struct ListedToken: Shape, Equatable {
    package var id: String
    package var facts: TokenFacts
    /// `trk_…`; only in the answer that made it, and not in its repetition.
    package var secret: String?
    /// Not in the answer that made it.
    package var createdAt: Timestamp?
    package var lastUsedAt: Timestamp?

    package init(id: String, facts: TokenFacts, secret: String? = nil) {
        self.id = id
        self.facts = facts
        self.secret = secret
    }

    package init(_ record: TokenRecord) {
        self.init(id: record.id, facts: record.facts)
        createdAt = record.createdAt
        lastUsedAt = record.lastUsedAt
    }

    package static let fields: [ShapeField<ListedToken>] = [
        ShapeField("id") { .text($0.id) }, ShapeField("name") { .text($0.facts.name) },
        ShapeField("role") { .text($0.facts.role.rawValue) },
        .optional("token") { Cell($0.secret) },
        .optional("expires_at") { Cell($0.facts.expiresAt) },
        .optional("created_at") { Cell($0.createdAt) },
        .optional("last_used_at") { Cell($0.lastUsedAt) },
    ]

    package static let tableColumns = fields.named(
        "id", "name", "role", "created_at", "expires_at", "last_used_at")

    package init?(reading object: inout JSONObjectReader) {
        let (id, name) = (object.text("id"), object.text("name"))
        let role = object.choice("role", Role.self)
        secret = object.optionalText("token")
        let expiresAt = object.optionalTime("expires_at")
        createdAt = object.optionalTime("created_at")
        lastUsedAt = object.optionalTime("last_used_at")
        guard let id, let name, let role else { return nil }
        self.id = id
        facts = TokenFacts(name: name, role: role, expiresAt: expiresAt)
    }
}

extension Actor: Shape {
    package static let fields: [ShapeField<Actor>] = [
        ShapeField("token") { .text($0.token) }, ShapeField("name") { .text($0.name) },
        ShapeField("role") { .text($0.role.rawValue) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (token, name) = (object.text("token"), object.text("name"))
        let role = object.choice("role", Role.self)
        guard let token, let name, let role else { return nil }
        self.init(token: token, name: name, role: role)
    }
}
