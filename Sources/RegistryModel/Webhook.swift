/// What an admin calls a webhook: as a location's name, because it stands in paths and in metrics' labels unquoted.
public struct WebhookName: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let text: String

    /// `nil`: not such a name.
    public init?(_ text: some StringProtocol) {
        guard let name = LocationName(text) else { return nil }
        self.text = name.text
    }

    package init(canonical text: String) {
        self.text = text
    }

    public static func < (left: WebhookName, right: WebhookName) -> Bool { left.text < right.text }

    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What an admin sets for a webhook, beside its secret.
public struct WebhookSettings: Hashable, Sendable, Codable {
    public var url: WebhookURL
    /// Which of the log's actions are told there: at least one, each once, in the order of `Action.allCases`, so that one
    /// set has one text.
    public let actions: [Action]

    public init(url: WebhookURL, actions: some Sequence<Action>) {
        self.url = url
        let wanted = Set(actions)
        self.actions = Action.allCases.filter(wanted.contains)
    }
}

/// Somebody who is told of revisions, as the log has it.
public struct Webhook: Hashable, Sendable, Codable {
    public var name: WebhookName
    public var settings: WebhookSettings
    /// The last write that changed it.
    public var revision: Revision

    /// How many there may be: each may be waited for on its own, and each is asked about at every revision.
    public static let maximumCount = 100

    public init(name: WebhookName, settings: WebhookSettings, revision: Revision) {
        self.name = name
        self.settings = settings
        self.revision = revision
    }
}

/// What history says of a webhook. Its path and its query stay out of it, for many a receiver's are a password, and the
/// log forgets nothing; so does its secret.
public struct WebhookFacts: Hashable, Sendable, Codable {
    /// Scheme, host and port.
    public var url: String
    public var actions: [Action]
    /// 16 hexadecimal digits of a SHA-256 over the whole URL and the secret: another one tells that one of them changed.
    public var fingerprint: String

    public init(url: String, actions: [Action], fingerprint: String) {
        self.url = url
        self.actions = actions
        self.fingerprint = fingerprint
    }
}

/// What deliveries are signed with.
public struct WebhookKeys: Hashable, Sendable {
    /// How long a secret that was replaced still signs beside the new one, so that the receiver may change it meanwhile.
    public static let overlap = Duration.seconds(24 * 60 * 60)

    public var secret: WebhookSecret
    /// The one before; nil: there was none, or nobody may know it any more.
    public var former: Former?

    public struct Former: Hashable, Sendable {
        public var secret: WebhookSecret
        public var until: Timestamp

        public init(_ secret: WebhookSecret, until: Timestamp) {
            self.secret = secret
            self.until = until
        }
    }

    public init(_ secret: WebhookSecret, former: Former? = nil) {
        self.secret = secret
        self.former = former
    }

    /// The ones that sign at a time, the newest first.
    public func secrets(at now: Timestamp) -> [WebhookSecret] {
        guard let former, former.until > now else { return [secret] }
        return [secret, former.secret]
    }
}

/// How far a webhook has come, which is kept beside the log: no delivery is a revision.
public struct WebhookProgress: Hashable, Sendable {
    /// Whatever it is to be told up to this revision was delivered, or given up.
    public var through: Revision
    /// The last one that the receiver has taken.
    public var delivered: Delivered?
    /// Since the receiver took one last; nil: it took the last one that was tried.
    public var failure: Failure?
    /// Revisions that weren't delivered and won't be.
    public var givenUp: Int
    /// The receiver has said that it wants no more; nil: it hasn't.
    public var disabledAt: Timestamp?

    public struct Delivered: Hashable, Sendable {
        public var revision: Revision
        public var at: Timestamp

        public init(_ revision: Revision, at: Timestamp) {
            self.revision = revision
            self.at = at
        }
    }

    public struct Failure: Hashable, Sendable {
        /// When the first of these attempts failed.
        public var since: Timestamp
        /// When the last of them did.
        public var at: Timestamp
        /// From 1.
        public var attempts: Int
        /// Before that nothing is tried.
        public var retryAt: Timestamp
        /// For people, up to `maximumErrorLength` characters.
        public var error: String

        public init(
            since: Timestamp, at: Timestamp, attempts: Int, retryAt: Timestamp, error: String
        ) {
            self.since = since
            self.at = at
            self.attempts = attempts
            self.retryAt = retryAt
            self.error = error
        }
    }

    public static let maximumErrorLength = 300

    public init(
        through: Revision, delivered: Delivered? = nil, failure: Failure? = nil, givenUp: Int = 0,
        disabledAt: Timestamp? = nil
    ) {
        self.through = through
        self.delivered = delivered
        self.failure = failure
        self.givenUp = givenUp
        self.disabledAt = disabledAt
    }
}

/// All that the store has of a webhook.
public struct WebhookRecord: Hashable, Sendable {
    public var webhook: Webhook
    public var keys: WebhookKeys
    public var progress: WebhookProgress

    public init(_ webhook: Webhook, keys: WebhookKeys, progress: WebhookProgress) {
        self.webhook = webhook
        self.keys = keys
        self.progress = progress
    }
}

/// A webhook, and how many revisions it has yet to be told.
public struct WebhookStanding: Hashable, Sendable {
    /// No more are counted.
    public static let countedBehind = 1_000

    public var record: WebhookRecord
    /// At most `countedBehind`.
    public var behind: Int
    /// When the first of them was written; nil: there are none.
    public var waitingSince: Timestamp?

    public init(_ record: WebhookRecord, behind: Int, waitingSince: Timestamp? = nil) {
        self.record = record
        self.behind = behind
        self.waitingSince = waitingSince
    }
}

/// What a webhook is told of one revision.
public struct WebhookNotice: Hashable, Sendable {
    /// How many names stand in it.
    public static let maximumNames = 100

    public var header: RevisionHeader
    /// The revision's actions that were asked for, in the log's order; at least one.
    public var actions: [Action]
    /// How many names they were done to.
    public var count: Int
    /// The first of them, in the log's order.
    public var names: [FQDN]

    public init(_ header: RevisionHeader, actions: [Action], count: Int, names: [FQDN]) {
        self.header = header
        self.actions = actions
        self.count = count
        self.names = names
    }
}
