/// From which size on a wave needs two people: whoever planned it, and somebody else who approves it.
///
/// It's a setting of the node that decides, not a part of the plan: whoever turns it on means the plans that there are,
/// too.
public struct ApprovalRule: Hashable, Sendable {
    /// A wave of more domains needs an approval; nil: none does.
    public var limit: Int?

    public init(above limit: Int? = nil) {
        self.limit = limit
    }

    /// How many domains a wave may have without an approval, where this one needs one that it hasn't; nil: it doesn't.
    ///
    /// A wave that is frozen was let in before: thawing it or cutting it over asks nobody again. Announcing one asks nobody
    /// yet.
    public func limit(for wave: Wave) -> Int? {
        let isStillToBegin = wave.state == .planned || wave.state == .announced
        guard let limit, wave.size > limit, isStillToBegin, wave.approval == nil else { return nil }
        return limit
    }
}

/// That somebody has approved a wave. It's never taken back: what was approved, the plan, doesn't change.
public struct WaveApproval: Hashable, Sendable, Codable {
    public var actor: Actor
    public var at: Timestamp
    public var revision: Revision

    public init(by actor: Actor, at: Timestamp, revision: Revision) {
        self.actor = actor
        self.at = at
        self.revision = revision
    }
}

/// Whose approval a wave has, once somebody has approved it.
public struct ApprovalOutcome: Hashable, Sendable, Codable {
    public var migration: String
    public var wave: Int
    /// The first one, which counts.
    public var approval: WaveApproval

    public init(_ wave: WaveName, _ approval: WaveApproval) {
        (migration, self.wave) = (wave.migration, wave.number)
        self.approval = approval
    }
}

/// What history says of an approval: what was approved.
public struct ApprovalFacts: Hashable, Sendable, Codable {
    public var wave: Int
    /// `sha256:` and 64 hexadecimal digits.
    public var planDigest: String

    public init(wave: Int, planDigest: String) {
        self.wave = wave
        self.planDigest = planDigest
    }

    enum CodingKeys: String, CodingKey {
        case wave
        case planDigest = "plan_digest"
    }
}
