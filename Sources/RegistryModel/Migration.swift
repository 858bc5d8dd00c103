/// A planned move of many domains from one location to another, in waves.
public struct Migration: Hashable, Sendable, Codable {
    /// Names the migration in URLs and history, for example `m-k3j4n5p6q7r8`. Empty in a dry run.
    public var id: String
    /// 1–100 characters, for people.
    public var name: String
    public var from: LocationName
    public var to: LocationName
    public var freeze: FreezeMode
    public var state: MigrationState
    /// SHA-256 over the plan, 32 bytes: what whoever acts on the plan has reviewed.
    public var digest: [UInt8]
    public var counts: PlanCounts
    public var waves: [Wave]
    /// The first of the names that the plan leaves out; nil where they weren't asked for.
    public var skipped: [SkippedName]?
    public var warnings: [PlanWarning] = []
    public var createdAt: Timestamp
    public var createdBy: Actor
    public var reason: String?
    public var ticket: String?
    /// What an answer that an older version has stored doesn't say.
    private var movesWholeTenants: Bool?

    /// Whether tenants move whole. Plans from before there was that choice don't.
    public var wholeTenants: Bool {
        get { movesWholeTenants ?? false }
        set { movesWholeTenants = newValue }
    }

    /// How many skipped names come with a migration; the rest is in the list of its domains.
    public static let skippedShown = 100

    public init(
        id: String, name: String, from: LocationName, to: LocationName, freeze: FreezeMode,
        state: MigrationState, digest: [UInt8], counts: PlanCounts, waves: [Wave],
        skipped: [SkippedName]? = nil, createdAt: Timestamp, createdBy: Actor, note: Note,
        wholeTenants: Bool
    ) {
        self.id = id
        self.name = name
        self.from = from
        self.to = to
        self.freeze = freeze
        self.state = state
        self.digest = digest
        self.counts = counts
        self.waves = waves
        self.skipped = skipped
        self.createdAt = createdAt
        self.createdBy = createdBy
        reason = note.reason
        ticket = note.ticket
        movesWholeTenants = wholeTenants
    }

    /// `sha256:` and 64 hexadecimal digits.
    public var digestText: String { DigestText.text(digest) }

    public var facts: MigrationFacts {
        MigrationFacts(
            name: name, from: from, to: to, freeze: freeze, state: state, planDigest: digestText,
            waves: waves.map(\.size))
    }
}

/// What visitors may do while a wave's data is copied.
public enum FreezeMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// The wave isn't frozen at all: it moves from `planned`.
    case none
    case readOnly = "read_only"
    case reject

    /// The mode of frozen domains; nil where nothing is frozen.
    public var mode: Mode? {
        switch self {
        case .none: nil
        case .readOnly: .readOnly
        case .reject: .reject
        }
    }
}

/// One batch of a migration: all of it moves, or nothing.
public struct Wave: Hashable, Sendable, Codable {
    /// From 1.
    public var number: Int
    public var state: WaveState
    /// Domains in it, 1 or more.
    public var size: Int
    /// When a frozen wave thaws by itself.
    public var deadline: Timestamp?
    /// The last step's; nil while there was none.
    public var revision: Revision?
    /// Of a wave that is announced, or was frozen from there: whose applying lets a copy fence itself.
    public var announcement: Revision?
    /// Nil: nobody has approved it.
    public var approval: WaveApproval?
    /// Only where it is so, for an answer that an older version has stored doesn't say it.
    private var awaitsApproval: Bool?

    /// Whether somebody else than its planner has to approve it before it can freeze or move.
    public var needsApproval: Bool {
        get { awaitsApproval ?? false }
        set { awaitsApproval = newValue ? true : nil }
    }

    public init(
        number: Int, state: WaveState = .planned, size: Int, deadline: Timestamp? = nil,
        revision: Revision? = nil, announcement: Revision? = nil, approval: WaveApproval? = nil
    ) {
        self.number = number
        self.state = state
        self.size = size
        self.deadline = deadline
        self.revision = revision
        self.announcement = announcement
        self.approval = approval
    }
}

extension Migration {
    /// Marks the waves that have yet to be approved.
    package mutating func mark(by rule: ApprovalRule) {
        for index in waves.indices {
            waves[index].needsApproval = rule.limit(for: waves[index]) != nil
        }
    }
}

public struct PlanCounts: Hashable, Sendable, Codable {
    /// Names in the list, or domains that the filter and the sample leave, and those that their tenants bring along.
    public var selected: Int
    public var eligible: Int
    public var skipped: Int

    public init(selected: Int, eligible: Int) {
        self.selected = selected
        self.eligible = eligible
        skipped = selected - eligible
    }
}

/// A name that the plan leaves out, and why.
public struct SkippedName: Hashable, Sendable, Codable {
    public enum Code: String, Hashable, Sendable, Codable, CaseIterable {
        /// It stands in the list before.
        case duplicate
        case unknownDomain = "unknown-domain"
        case notAtSource = "not-at-source"
        /// In a wave that is planned, announced or frozen.
        case inAnotherMigration = "in-another-migration"
        /// Another domain of its tenant's can't move, or is in a third place.
        case tenantNotWhole = "tenant-not-whole"
    }

    public var fqdn: FQDN
    public var code: Code

    public init(fqdn: FQDN, code: Code) {
        self.fqdn = fqdn
        self.code = code
    }
}

/// What a plan would meet as it stands.
public struct PlanWarning: Hashable, Sendable, Codable {
    public var wave: Int
    /// As the step would be refused.
    public var code: String
    public var detail: String

    public init(wave: Int, code: String, detail: String) {
        self.wave = wave
        self.code = code
        self.detail = detail
    }
}

/// What history says of a migration.
public struct MigrationFacts: Hashable, Sendable, Codable {
    public var name: String
    public var from: LocationName
    public var to: LocationName
    public var freeze: FreezeMode
    public var state: MigrationState
    public var planDigest: String
    /// Sizes, in order.
    public var waves: [Int]

    enum CodingKeys: String, CodingKey {
        case name, from, to, freeze, state, waves
        case planDigest = "plan_digest"
    }
}

/// One name of a migration.
public struct MigrationDomain: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case planned, announced, frozen, moved
        case rolledBack = "rolled_back"
        case finalized, cancelled, skipped
    }

    /// Where it stands in the list: by wave and name, the skipped ones last.
    public var position: Int64
    public var fqdn: FQDN
    public var wave: Int?
    public var status: Status
    public var code: SkippedName.Code?
    /// Whose it is now. Only what a dry run lists has it.
    public var tenant: String?

    public init(
        position: Int64, fqdn: FQDN, wave: Int?, status: Status, code: SkippedName.Code?,
        tenant: String? = nil
    ) {
        self.position = position
        self.fqdn = fqdn
        self.wave = wave
        self.status = status
        self.code = code
        self.tenant = tenant
    }
}

/// Where one wave of a migration stands. These are all states and steps that there are.
public enum WaveState: String, Hashable, Sendable, Codable, CaseIterable {
    case planned, announced, frozen, moved
    case rolledBack = "rolled_back"
    case finalized, cancelled

    /// What can be done to a wave.
    public enum Event: String, Hashable, Sendable, CaseIterable {
        case announce, freeze, cutOver, thaw, rollBack, finalize, cancel, approve
    }

    /// A step that the state doesn't allow.
    public struct Illegal: Error, Hashable, Sendable {
        public let event: Event
        public let state: WaveState
    }

    /// - Parameter freezes: whether the migration freezes its waves: then a planned wave is frozen
    ///   before it moves, and otherwise it never is.
    /// - Throws: for everything that isn't written here.
    public func after(_ event: Event, freezes: Bool) throws(Illegal) -> WaveState {
        switch (self, event) {
        case (.planned, .announce) where freezes: .announced
        case (.planned, .freeze) where freezes: .frozen
        case (.announced, .freeze): .frozen
        case (.planned, .cutOver) where !freezes: .moved
        case (.frozen, .cutOver): .moved
        case (.frozen, .thaw), (.announced, .thaw): .planned
        case (.moved, .rollBack): .rolledBack
        case (.moved, .finalize): .finalized
        case (.planned, .cancel), (.announced, .cancel), (.frozen, .cancel): .cancelled
        case (.planned, .approve): .planned
        case (.announced, .approve): .announced
        default: throw Illegal(event: event, state: self)
        }
    }

    /// Whether the wave may still move: its domains are spoken for.
    public var isOpen: Bool { self == .planned || self == .announced || self == .frozen }
}

/// Where a migration as a whole stands.
public enum MigrationState: String, Hashable, Sendable, Codable, CaseIterable {
    case planned, running, finalized, cancelled

    /// Whether anything can still happen to it.
    public var isOpen: Bool { self == .planned || self == .running }

    /// The state that a migration has once its waves are in these: what has moved keeps it running
    /// until it is finalized.
    ///
    /// - Parameter waves: after the step, which is neither finalizing nor a plan.
    public static func running(with waves: [WaveState]) -> MigrationState {
        let isOver = !waves.isEmpty && waves.allSatisfy { $0 == .cancelled }
        return isOver ? .cancelled : .running
    }
}
