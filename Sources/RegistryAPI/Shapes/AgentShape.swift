import RegistryModel

/// An agent, and what it's known to have applied.
package struct ListedAgent: Shape, Equatable {
    package var name: AgentName
    /// A registry that is older than this client doesn't say it.
    package var epoch: Epoch?
    package var revision: Revision
    package var lag: Int64
    package var lastSeen: Timestamp
    package var isLagging: Bool
    /// A revision beyond the log's end that it has said to have.
    package var ahead: Revision?
    /// The last one, also where the agent is back.
    package var eviction: Eviction?

    package init(
        name: AgentName, epoch: Epoch?, revision: Revision, lag: Int64, lastSeen: Timestamp,
        isLagging: Bool, ahead: Revision?, eviction: Eviction?
    ) {
        self.name = name
        self.epoch = epoch
        self.revision = revision
        self.lag = lag
        self.lastSeen = lastSeen
        self.isLagging = isLagging
        self.ahead = ahead
        self.eviction = eviction
    }

    package static let fields: [ShapeField<ListedAgent>] = [
        ShapeField("name") { .text($0.name.text) }, ShapeField("epoch") { Cell($0.epoch?.text) },
        ShapeField("revision") { Cell($0.revision) }, ShapeField("lag") { .number($0.lag) },
        ShapeField("last_seen") { Cell($0.lastSeen) },
        ShapeField("lagging") { .bool($0.isLagging) }, .optional("ahead") { Cell($0.ahead) },
        ShapeField("evicted", isRequired: false, object: { $0.eviction }),
    ]

    package static let tableColumns =
        fields.named("name", "revision", "lag", "last_seen", "lagging") + [
            ShapeField("evicted_at") { Cell($0.eviction?.at) },
            ShapeField("evicted_by") { Cell($0.eviction?.actor.name) },
            ShapeField("reason") { Cell($0.eviction?.note.reason) },
            ShapeField("ticket") { Cell($0.eviction?.note.ticket) },
        ] + fields.named("epoch", "ahead")

    package init?(reading object: inout JSONObjectReader) {
        let (name, revision) = (object.agentName("name"), object.revision("revision"))
        epoch = object.has("epoch") ? object.epoch("epoch") : nil
        let lag = object.integer("lag", in: 0...Int64.max)
        let (lastSeen, isLagging) = (object.time("last_seen"), object.bool("lagging"))
        ahead = object.optionalRevision("ahead")
        eviction = object.optionalShape("evicted", Eviction.self)
        guard let name, let revision, let lag, let lastSeen, let isLagging else { return nil }
        self.name = name
        self.revision = revision
        self.lag = lag
        self.lastSeen = lastSeen
        self.isLagging = isLagging
    }
}

extension Eviction: Shape {
    package static let fields: [ShapeField<Eviction>] = [
        ShapeField("at") { Cell($0.at) }, ShapeField("actor", object: { $0.actor }),
        .optional("reason") { Cell($0.note.reason) }, .optional("ticket") { Cell($0.note.ticket) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (at, actor) = (object.time("at"), object.shape("actor", Actor.self))
        let note = object.recordedNote()
        guard let at, let actor else { return nil }
        self.init(at: at, actor: actor, note: note)
    }
}

extension Convergence: Shape {
    package static let fields: [ShapeField<Convergence>] = [
        ShapeField("agents") { Cell($0.agents) }, ShapeField("converged") { Cell($0.converged) },
        ShapeField("lagging", texts: { $0.lagging.map(\.text) }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (agents, converged) = (object.count("agents"), object.count("converged"))
        // Those that stand for others have a name that no agent can have.
        let lagging = object.strings("lagging", maximum: .max).map { AgentName(canonical: $0) }
        guard let agents, let converged else { return nil }
        self.init(agents: agents, converged: converged, lagging: lagging)
    }
}

extension FenceSafety: Shape {
    package static let fields: [ShapeField<FenceSafety>] = [
        ShapeField("agents") { Cell($0.agents) }, ShapeField("applied") { Cell($0.applied) },
        ShapeField("fenced") { Cell($0.fenced) },
        ShapeField("unsafe", texts: { $0.unsafe.map(\.text) }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (agents, applied) = (object.count("agents"), object.count("applied"))
        let fenced = object.count("fenced")
        let unsafe = object.strings("unsafe", maximum: .max).map { AgentName(canonical: $0) }
        guard let agents, let applied, let fenced else { return nil }
        self.init(agents: agents, applied: applied, fenced: fenced, unsafe: unsafe)
    }
}

extension FenceStanding: Shape {
    package static let fields: [ShapeField<FenceStanding>] = [
        ShapeField("name") { .text($0.name.text) },
        ShapeField("state") { .text($0.state.rawValue) },
        ShapeField("revision") { Cell($0.revision) }, ShapeField("since") { Cell($0.since) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (name, state) = (object.agentName("name"), object.choice("state", State.self))
        let (revision, since) = (object.revision("revision"), object.time("since"))
        guard let name, let state, let revision, let since else { return nil }
        self.init(name: name, state: state, revision: revision, since: since)
    }
}

extension WaveSafety: Shape {
    package static let fields: [ShapeField<WaveSafety>] = [
        ShapeField("migration") { .text($0.migration) }, ShapeField("wave") { Cell($0.wave) },
        ShapeField("state") { .text($0.state.rawValue) },
        ShapeField("announced_revision") { Cell($0.announcement) },
        .optional("freeze_revision") { Cell($0.freeze) },
        ShapeField("agents", objects: { $0.agents }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (migration, wave) = (object.text("migration"), object.count("wave"))
        let state = object.choice("state", WaveState.self)
        let announcement = object.revision("announced_revision")
        let freeze = object.optionalRevision("freeze_revision")
        let agents = object.optionalShapes("agents", FenceStanding.self)
        guard let migration, let wave, let state, let announcement, let agents else { return nil }
        self.init(
            WaveName(migration: migration, number: wave), state: state,
            announcement: announcement, freeze: freeze, agents: agents)
    }
}

/// What an agent hears when it has reported.
package struct ReportResponse: Shape, Equatable {
    package var head: Revision
    /// How long its lease lasts, counted from when it sent the report, once it has applied `head`; nil: it has none.
    package var fenceAfter: Duration?

    package init(head: Revision, fenceAfter: Duration? = nil) {
        (self.head, self.fenceAfter) = (head, fenceAfter)
    }

    package static let fields: [ShapeField<ReportResponse>] = [
        ShapeField("head") { Cell($0.head) },
        .optional("fence_after_ms") { Cell($0.fenceAfter?.wholeMilliseconds) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let fenceAfter = object.optionalInteger("fence_after_ms", in: 0...Int64.max / 1_000)
        guard let head = object.revision("head") else { return nil }
        self.init(head: head, fenceAfter: fenceAfter.map { .milliseconds($0) })
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int {
        Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}

/// What an agent has applied; neither of the two members: nothing yet.
package struct ReportRequest: Shape {
    package var applied: Position?
    /// Whether it answers announced domains as frozen once its lease is over.
    package var fences: Bool
    /// Names the agent's process: 1 to 64 letters and digits. Without it there's no lease.
    package var run: String?

    package init(applied: Position?, fences: Bool = false, run: String? = nil) {
        (self.applied, self.fences, self.run) = (applied, fences, run)
    }

    package static let fields: [ShapeField<ReportRequest>] = [
        .optional("epoch") { Cell($0.applied?.epoch.text) },
        .optional("revision") { Cell($0.applied?.revision) },
        .flag("fences") { $0.fences }, .optional("run") { Cell($0.run) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let hasEpoch = object.has("epoch")
        let epoch = object.optionalString("epoch", minimum: 1, maximum: 64)
        let hasRevision = object.has("revision")
        let revision = object.optionalInteger("revision", in: 0...Int64.max)
        if hasEpoch != hasRevision {
            object.refuse(
                hasEpoch ? "revision" : "epoch", "required",
                "a revision and its epoch belong together")
        }
        fences = object.optionalBool("fences") ?? false
        run = object.optionalString("run", minimum: 1, maximum: 64)
        if let epoch, let revision {
            applied = Position(epoch: Epoch(epoch), revision: Revision(revision))
        }
    }
}

extension JSONObjectReader {
    fileprivate mutating func agentName(_ name: String) -> AgentName? {
        guard let text = text(name) else { return nil }
        let agent = AgentName(text)
        if agent == nil { refuse(name, "invalid", "an agent's name is expected") }
        return agent
    }
}
