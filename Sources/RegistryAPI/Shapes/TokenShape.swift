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

package struct TokenRequest: Shape {
    package var name: String
    package var role: String
    /// RFC 3339; nil: never.
    package var expiresAt: String?
    package var note: Note

    package init(name: String, role: String, expiresAt: String?, note: Note) {
        self.name = name
        self.role = role
        self.expiresAt = expiresAt
        self.note = note
    }

    package static let fields: [ShapeField<TokenRequest>] =
        [
            ShapeField("name") { .text($0.name) }, ShapeField("role") { .text($0.role) },
            .optional("expires_at") { Cell($0.expiresAt) },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        self.init(reading: &object, at: nil)
    }

    /// - Parameter now: when the token is to be made, which its end has to be after; nil: whenever.
    package init?(reading object: inout JSONObjectReader, at now: Timestamp?) {
        let name = object.string("name", maximum: 100)
        let role = object.choice("role", Role.self)
        expiresAt = object.optionalString("expires_at", maximum: 64)
        note = object.note()
        if let expiresAt {
            let time = Timestamp(rfc3339: expiresAt)
            if time == nil {
                object.refuse("expires_at", "invalid", "a time in RFC 3339 is expected")
            } else if let now, let time, time <= now {
                object.refuse("expires_at", "out-of-range", "the time must be in the future")
            }
        }
        guard let name, let role else { return nil }
        self.name = name
        self.role = role.rawValue
    }
}
