/// Which part of the log to read. Filters are joined by "and".
public struct HistoryQuery: Sendable, Hashable {
    public enum Order: String, Sendable, Hashable, CaseIterable {
        case ascending = "asc"
        case descending = "desc"
    }

    /// A place in the log: a revision and a position in it.
    public struct Place: Sendable, Hashable {
        public var revision: Revision
        public var position: Int

        public init(revision: Revision, position: Int) {
            self.revision = revision
            self.position = position
        }
    }

    public var fqdn: FQDN?
    /// A token's id.
    public var actor: String?
    public var action: Action?
    public var migration: String?
    /// Before or after.
    public var location: LocationName?
    /// Inclusive.
    public var since: Timestamp?
    /// Exclusive.
    public var until: Timestamp?
    /// Only revisions after this one.
    public var afterRevision: Revision?
    /// Only revisions up to this one: the head at which a reading of many pages began.
    public var through: Revision?
    public var order: Order
    /// The last item of the page before.
    public var after: Place?
    public var limit: Int

    public init(
        fqdn: FQDN? = nil, actor: String? = nil, action: Action? = nil, migration: String? = nil,
        location: LocationName? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        afterRevision: Revision? = nil, through: Revision? = nil,
        order: Order = .descending, after: Place? = nil, limit: Int = 100
    ) {
        self.fqdn = fqdn
        self.actor = actor
        self.action = action
        self.migration = migration
        self.location = location
        self.since = since
        self.until = until
        self.afterRevision = afterRevision
        self.through = through
        self.order = order
        self.after = after
        self.limit = limit
    }
}

/// Which migrations to list, newest first.
public struct MigrationQuery: Sendable, Hashable {
    public var state: MigrationState?
    /// The id of the last one of the page before.
    public var after: String?
    public var limit: Int

    public init(state: MigrationState? = nil, after: String? = nil, limit: Int = 100) {
        self.state = state
        self.after = after
        self.limit = limit
    }
}

/// Which names of one migration to list.
public struct MigrationDomainQuery: Sendable, Hashable {
    public var migration: String
    public var wave: Int?
    public var status: MigrationDomain.Status?
    /// The position of the last one of the page before.
    public var after: Int64?
    public var limit: Int

    public init(
        migration: String, wave: Int? = nil, status: MigrationDomain.Status? = nil,
        after: Int64? = nil, limit: Int = 100
    ) {
        self.migration = migration
        self.wave = wave
        self.status = status
        self.after = after
        self.limit = limit
    }
}

/// A wave that is frozen now: what memory keeps of it.
public struct FrozenWave: Sendable, Hashable {
    public var name: WaveName
    /// Where its domains are.
    public var location: LocationName
    /// Domains in it.
    public var size: Int

    public init(name: WaveName, location: LocationName, size: Int) {
        self.name = name
        self.location = location
        self.size = size
    }
}

/// One wave among all migrations.
public struct WaveName: Sendable, Hashable {
    public var migration: String
    public var number: Int

    public init(migration: String, number: Int) {
        self.migration = migration
        self.number = number
    }
}
