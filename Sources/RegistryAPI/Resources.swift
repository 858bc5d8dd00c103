// The shapes of openapi.yaml as a client reads them. Times stay text: a client shows them.

package struct DomainResource: Decodable, Sendable, Equatable {
    package var fqdn: String
    package var location: String
    package var mode: String
    package var tenant: String?
    package var revision: Int64
    package var registeredAt: String
    package var changedAt: String
    /// The registry's when it answered: the header says it, where one domain is the answer.
    package var epoch: String?

    enum CodingKeys: String, CodingKey {
        case fqdn, location, mode, tenant, revision
        case registeredAt = "registered_at"
        case changedAt = "changed_at"
    }
}

package struct LocationResource: Decodable, Sendable, Equatable {
    package var name: String
    package var upstream: String
    package var acceptsSignups: Bool
    package var defaultForSignups: Bool
    package var revision: Int64

    enum CodingKeys: String, CodingKey {
        case name, upstream, revision
        case acceptsSignups = "accepts_signups"
        case defaultForSignups = "default_for_signups"
    }
}

package struct TokenResource: Decodable, Sendable, Equatable {
    package var id: String
    package var name: String
    package var role: String
    package var createdAt: String?
    package var expiresAt: String?
    package var lastUsedAt: String?
    /// Only in the answer that made it.
    package var token: String?

    enum CodingKeys: String, CodingKey {
        case id, name, role, token
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case lastUsedAt = "last_used_at"
    }
}

package struct ActorResource: Decodable, Sendable, Equatable {
    package var token: String
    package var name: String
    package var role: String
}

package struct HistoryResource: Decodable, Sendable, Equatable {
    /// Before or after: of a domain, a location, a token or a migration; which fields are there
    /// tells.
    package struct State: Decodable, Sendable, Equatable {
        package var location: String?
        package var mode: String?
        package var tenant: String?
        package var upstream: String?
        package var acceptsSignups: Bool?
        package var defaultForSignups: Bool?
        package var name: String?
        package var role: String?
        package var expiresAt: String?
        package var from: String?
        package var to: String?
        package var freeze: String?
        package var state: String?
        package var planDigest: String?
        /// Domains in each wave.
        package var waves: [Int]?

        enum CodingKeys: String, CodingKey {
            case location, mode, tenant, upstream, name, role, from, to, freeze, state, waves
            case acceptsSignups = "accepts_signups"
            case defaultForSignups = "default_for_signups"
            case expiresAt = "expires_at"
            case planDigest = "plan_digest"
        }
    }

    package var revision: Int64
    package var at: String
    package var fqdn: String?
    package var subject: String?
    package var action: String
    package var before: State?
    package var after: State?
    package var actor: ActorResource
    package var reason: String?
    package var ticket: String?
    package var migration: String?
    package var wave: Int?
    package var overrideReason: String?
    package var requestID: String

    enum CodingKeys: String, CodingKey {
        case revision, at, fqdn, subject, action, before, after, actor, reason, ticket, migration,
            wave
        case overrideReason = "override_reason"
        case requestID = "request_id"
    }
}

package struct StatisticsResource: Decodable, Sendable, Equatable {
    package struct OfLocation: Decodable, Sendable, Equatable {
        package var location: String
        package var domains: Int
        package var frozen: Int
        /// A registry that is older than this client doesn't say it.
        package var suspended: Int?
    }

    package var revision: Int64
    package var total: Int
    package var locations: [OfLocation]
    package var openMigrations: Int

    enum CodingKeys: String, CodingKey {
        case revision, total, locations
        case openMigrations = "open_migrations"
    }
}

package struct AvailabilityResource: Decodable, Sendable, Equatable {
    package var fqdn: String
    package var available: Bool
    package var code: String?
    package var availableAt: String?
    package var entangledWith: String?

    enum CodingKeys: String, CodingKey {
        case fqdn, available, code
        case availableAt = "available_at"
        case entangledWith = "entangled_with"
    }
}

package struct BatchResource: Decodable, Sendable, Equatable {
    package struct Row: Decodable, Sendable, Equatable {
        package var fqdn: String
        package var status: String
        package var code: String?
    }

    package var revision: Int64
    package var results: [Row]
}

package struct PageResource<Item: Decodable & Sendable>: Decodable, Sendable {
    package var items: [Item]
    package var nextCursor: String?

    enum CodingKeys: String, CodingKey {
        case items
        case nextCursor = "next_cursor"
    }
}

package struct ProblemResource: Decodable, Sendable, Equatable {
    package struct Field: Decodable, Sendable, Equatable {
        package var pointer: String
        package var code: String
        package var detail: String
    }

    package var status: Int
    package var title: String
    package var detail: String
    package var code: String
    package var requestID: String
    package var availableAt: String?
    package var errors: [Field]?
    /// Of a wave or migration that is in the wrong one.
    package var state: String?
    /// The first 1000 of a wave's domains that aren't as expected.
    package var conflicts: [WaveConflictResource]?
    package var conflictCount: Int?
    /// Agents that aren't known to have applied a freeze.
    package var lagging: [String]?
    /// Of the frozen wave that holds a domain.
    package var migration: String?
    package var wave: Int?

    enum CodingKeys: String, CodingKey {
        case status, title, detail, code, errors, state, conflicts, lagging, migration, wave
        case requestID = "request_id"
        case availableAt = "available_at"
        case conflictCount = "conflict_count"
    }
}
