// The shapes of migrations in openapi.yaml as a client reads them. States and codes stay text: a
// client shows those that it doesn't know too.

/// A migration; without `id` from a dry run, without `skipped` in a list.
package struct MigrationResource: Decodable, Sendable, Equatable {
    package struct Counts: Decodable, Sendable, Equatable {
        package var selected: Int
        package var eligible: Int
        package var skipped: Int
    }

    package struct Wave: Decodable, Sendable, Equatable {
        package var number: Int
        package var state: String
        /// Domains in it.
        package var size: Int
        /// When it thaws by itself, RFC 3339; only while it is frozen.
        package var deadline: String?
        /// Of its last step.
        package var revision: Int64?
    }

    /// What freeze and cutover would refuse; only in the answer to a plan.
    package struct Warning: Decodable, Sendable, Equatable {
        package var wave: Int
        package var code: String
        package var detail: String
    }

    package struct Skipped: Decodable, Sendable, Equatable {
        package var fqdn: String
        package var code: String
    }

    package var id: String?
    package var name: String
    package var from: String
    package var to: String
    package var freeze: String
    package var state: String
    package var planDigest: String
    package var counts: Counts
    package var waves: [Wave]
    package var warnings: [Warning]?
    /// The first 100.
    package var skipped: [Skipped]?
    package var createdAt: String
    package var createdBy: ActorResource
    package var reason: String?
    package var ticket: String?

    enum CodingKeys: String, CodingKey {
        case id, name, from, to, freeze, state, counts, waves, warnings, skipped, reason, ticket
        case planDigest = "plan_digest"
        case createdAt = "created_at"
        case createdBy = "created_by"
    }
}

/// One name of a plan.
package struct MigrationDomainResource: Decodable, Sendable, Equatable {
    package var fqdn: String
    /// Absent for a skipped one.
    package var wave: Int?
    package var status: String
    /// Why it was skipped.
    package var code: String?
}

/// What a step of a wave did.
package struct WaveStepResource: Decodable, Sendable, Equatable {
    package struct Skipped: Decodable, Sendable, Equatable {
        package var fqdn: String
    }

    package var migration: String
    package var wave: Int
    /// A registry that is older than this client doesn't say it.
    package var epoch: String?
    package var revision: Int64
    package var frozen: Int?
    package var moved: Int?
    package var rolledBack: Int?
    package var thawed: Int?
    package var tookMilliseconds: Int
    /// Of a freeze: when it thaws by itself.
    package var deadline: String?
    /// Of a rollback that leaves changed domains alone: the first 1000 of those.
    package var skipped: [Skipped]?
    package var skippedCount: Int?
    package var convergence: ConvergenceResource?

    /// Domains that the step changed.
    package var count: Int { frozen ?? moved ?? rolledBack ?? thawed ?? 0 }

    enum CodingKeys: String, CodingKey {
        case migration, wave, epoch, revision, frozen, moved, thawed, deadline, skipped, convergence
        case rolledBack = "rolled_back"
        case tookMilliseconds = "took_ms"
        case skippedCount = "skipped_count"
    }
}

/// A domain of a wave that isn't as expected.
package struct WaveConflictResource: Decodable, Sendable, Equatable {
    package struct Placement: Decodable, Sendable, Equatable {
        package var location: String
        package var mode: String
    }

    package var fqdn: String
    package var expected: Placement
    /// Nil: it was released.
    package var found: Placement?
}
