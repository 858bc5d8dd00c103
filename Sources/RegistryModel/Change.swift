/// What was done to a domain, a location, a token, a migration or a webhook.
public enum Action: String, Hashable, Sendable, Codable, CaseIterable {
    case registered, moved, announced, frozen, thawed
    case rolledBack = "rolled_back"
    case updated, released, restored
    case migrationPlanned = "migration_planned"
    case migrationFinalized = "migration_finalized"
    case migrationCancelled = "migration_cancelled"
    case waveApproved = "wave_approved"
    case locationChanged = "location_changed"
    case tokenCreated = "token_created"
    case tokenRevoked = "token_revoked"
    case held
    case holdReleased = "hold_released"
    case holdExpired = "hold_expired"
    case webhookChanged = "webhook_changed"
}

extension Action {
    /// What is done to a name that is no domain.
    package static let ofHolds: [Action] = [.held, .holdReleased, .holdExpired]
    package var isOfHold: Bool { Self.ofHolds.contains(self) }

    /// As SQL lists their words.
    package static let listOfHolds = ofHolds.map { "'\($0.rawValue)'" }.joined(separator: ", ")
}

/// One subject before and after, within one revision.
public struct Change: Hashable, Sendable {
    public var action: Action
    public var subject: Subject

    public init(_ action: Action, _ subject: Subject) {
        self.action = action
        self.subject = subject
    }

    public enum Subject: Hashable, Sendable {
        /// `before` is nil for registered and restored, `after` for released. `registeredAt` makes
        /// each change enough to answer a lookup as of its revision.
        case domain(FQDN, before: Placement?, after: Placement?, registeredAt: Timestamp)
        /// A name that isn't a domain. `before` is nil for held, `after` for the end of a hold.
        case hold(FQDN, before: HoldFacts?, after: HoldFacts?, heldAt: Timestamp)
        case location(LocationName, before: LocationSettings?, after: LocationSettings?)
        case token(id: String, before: TokenFacts?, after: TokenFacts?)
        case migration(id: String, before: MigrationFacts?, after: MigrationFacts?)
        case approval(migration: String, ApprovalFacts)
        /// `before` is nil for a new one, `after` for one that was taken away.
        case webhook(WebhookName, before: WebhookFacts?, after: WebhookFacts?)
    }
}

/// Who, when and why: what every change of one revision shares.
public struct RevisionHeader: Hashable, Sendable {
    public var epoch: Epoch
    public var revision: Revision
    public var at: Timestamp
    public var actor: Actor
    public var note: Note
    public var requestID: String
    /// Set by a step of a migration.
    public var migration: String?
    public var wave: Int?
    /// Why an admin set a guard aside.
    public var overrideReason: String?
    /// Whether the revision has put domains of one tenant in different places, because an operator said so.
    public var allowsSplit: Bool

    public init(
        epoch: Epoch, revision: Revision, at: Timestamp, actor: Actor, note: Note,
        requestID: String, migration: String? = nil, wave: Int? = nil,
        overrideReason: String? = nil, allowsSplit: Bool = false
    ) {
        self.epoch = epoch
        self.revision = revision
        self.at = at
        self.actor = actor
        self.note = note
        self.requestID = requestID
        self.migration = migration
        self.wave = wave
        self.overrideReason = overrideReason
        self.allowsSplit = allowsSplit
    }
}

/// Why, in the words of who did it.
public struct Note: Hashable, Sendable {
    /// At most 500 characters.
    public var reason: String?
    /// At most 100 characters.
    public var ticket: String?

    public init(reason: String? = nil, ticket: String? = nil) {
        self.reason = reason
        self.ticket = ticket
    }
}

/// One line of history.
public struct HistoryItem: Hashable, Sendable {
    public var header: RevisionHeader
    /// Where the change stands in its revision, from 0.
    public var position: Int
    public var change: Change

    public init(header: RevisionHeader, position: Int, change: Change) {
        self.header = header
        self.position = position
        self.change = change
    }
}
