import RegistryModel

/// What agents have said to this node, and what of it the store has yet to hear.
///
/// A node speaks for an agent for as long as the last sighting in the store is its own. It may then write
/// what it hears later, many agents in one statement. What an agent says to a node that doesn't speak for
/// it, and what takes back something that it said before, is in the store before it's answered: so
/// what the store has is never more than what the agent has.
struct ReportedAgents {
    private struct LastReport {
        var applied: Position?
        /// What it has said to have beyond the log's end.
        var ahead: Position?
        var isAheadSaved = false
        /// When it said so, of the process's life.
        var at: Duration
        /// The report's number, of all of this node.
        var number: Int
        /// The sighting that this node wrote last; nil where it doesn't speak for the agent.
        var sighting: Timestamp?
        var isUnsaved = true
        /// Reports that aren't answered before the store has them.
        var waiting: [Int] = []
        /// Of the agent's process: what an earlier one of the same name was answered is none of its business.
        var run: String?
        /// How long its leases may run; nil: it has none.
        var lease: Duration?
        var basis: LeaseBasis?
    }

    /// What a node gives leases by. The head was read when the sighting was in the store: who judges the agent by a later
    /// head than this one sees that it was heard.
    struct LeaseBasis: Sendable {
        /// Before the sighting was written, of the process's life.
        var at: Duration
        var head: Head
        var run: String?
    }

    enum Urgency: Hashable {
        /// Nothing new, but that the agent is there.
        case beat
        case progress
        /// The store must have it before it's answered.
        case urgent(Int)
    }

    /// A report on its way to the store.
    struct PendingReport: Sendable {
        var report: AgentReport
        var number: Int
        var waiting: [Int]
        var run: String?
    }

    private var agents: [AgentName: LastReport] = [:]
    /// Agents that turned out to have been heard by another node, too: until when, of the process's life,
    /// each report of theirs is urgent.
    private var roaming: [AgentName: Duration] = [:]
    private var number = 0
    /// What became of urgent reports, until whoever waits has looked.
    private var outcomes: [Int: RegistryError?] = [:]

    /// How long an agent that goes from node to node is taken for one that goes on doing so.
    private static let roamingTime = Duration.seconds(300)

    var hasUnsaved: Bool { agents.values.contains(where: \.isUnsaved) }
    /// Reports that aren't on their way yet, and are answered when the store has them.
    var waiting: Int { agents.values.reduce(0) { $0 + $1.waiting.count } }

    /// Whether the last sighting that this node knows of in the store is its own.
    func speaks(for name: AgentName) -> Bool { agents[name]?.sighting != nil }

    mutating func hear(
        _ name: AgentName, applied: Position?, ahead: Position? = nil, run: String? = nil,
        lease: Duration? = nil, at now: Duration
    ) -> Urgency {
        number += 1
        var report = agents[name] ?? LastReport(applied: applied, at: now, number: number)
        let speaksForIt =
            report.sighting != nil && report.waiting.isEmpty
            && !Self.takesBack(report.applied, applied)
            && (ahead == nil || report.ahead == ahead)
            && report.run == run && report.lease == lease
            && (roaming[name].map { $0 < now } ?? true)
        let isNew = report.applied != applied
        report.applied = applied
        if let ahead, ahead != report.ahead { (report.ahead, report.isAheadSaved) = (ahead, false) }
        (report.run, report.lease) = (run, lease)
        report.at = now
        report.number = number
        report.isUnsaved = true
        if !speaksForIt {
            report.sighting = nil
            report.waiting.append(number)
        }
        agents[name] = report
        return speaksForIt ? (isNew ? .progress : .beat) : .urgent(number)
    }

    /// What the agent may do for a while; nil: nothing is known that it could be given a lease by.
    func lease(of name: AgentName, run: String?, _ rule: FenceRule, at now: Duration) -> FenceLease?
    {
        guard let basis = agents[name]?.basis, basis.run == run else { return nil }
        let length = rule.length - (now - basis.at)
        return length > .zero ? FenceLease(head: basis.head.revision, length: length) : nil
    }

    private static func takesBack(_ before: Position?, _ now: Position?) -> Bool {
        guard let before else { return false }
        guard let now else { return true }
        return now.epoch != before.epoch || now.revision < before.revision
    }

    /// What the store hasn't heard of, for one write.
    mutating func take(_ uptime: @escaping @Sendable () -> Duration) -> [PendingReport] {
        agents.filter(\.value.isUnsaved).map { name, report in
            agents[name]?.isUnsaved = false
            agents[name]?.waiting = []
            let at = report.at
            return PendingReport(
                report: AgentReport(
                    name, applied: report.applied, age: { uptime() - at }, follows: report.sighting,
                    ahead: report.isAheadSaved ? nil : report.ahead, lease: report.lease),
                number: report.number, waiting: report.waiting, run: report.run)
        }
    }

    /// The write is done.
    ///
    /// - Parameter head: read after it; nil: it wasn't asked for, or couldn't be read.
    mutating func saved(
        _ taken: [PendingReport], _ sightings: [AgentName: Timestamp], head: Head? = nil,
        began: Duration = .zero, limit: Int, at now: Duration
    ) {
        for item in taken {
            let name = item.report.name
            let isLast = agents[name]?.number == item.number
            // A later report that must take the agent over goes its own way.
            let isUrgentAgain = agents[name].map { !$0.waiting.isEmpty } ?? false
            guard let sighting = sightings[name] else {
                if item.report.follows != nil {
                    roaming[name] = now + Self.roamingTime
                }
                if !isUrgentAgain { agents[name] = nil }
                answer(item.waiting, .tooManyAgents(limit: limit))
                continue
            }
            if isLast || !isUrgentAgain { agents[name]?.sighting = sighting }
            if let head, item.report.lease != nil {
                agents[name]?.basis = LeaseBasis(at: began, head: head, run: item.run)
            }
            if let ahead = item.report.ahead, agents[name]?.ahead == ahead {
                agents[name]?.isAheadSaved = true
            }
            answer(item.waiting, nil)
        }
    }

    /// The write has failed, or nobody knows. What has to be answered is forgotten with the refusal: written
    /// later it could come after what another node has heard meanwhile. The rest is tried again.
    mutating func failed(_ taken: [PendingReport], _ error: RegistryError) {
        for item in taken {
            let name = item.report.name
            if item.report.follows != nil {
                agents[name]?.isUnsaved = true
            } else if agents[name]?.number == item.number {
                agents[name] = nil
            }
            answer(item.waiting, error)
        }
    }

    private mutating func answer(_ waiting: [Int], _ outcome: RegistryError?) {
        for number in waiting { outcomes[number] = .some(outcome) }
    }

    /// What became of an urgent report; nil: nothing yet.
    mutating func outcome(of number: Int) -> RegistryError?? {
        outcomes.removeValue(forKey: number)
    }

    /// What was said until now counts no more; what is said from now on, the store hears at once.
    mutating func forget(_ name: AgentName) {
        guard agents[name]?.waiting.isEmpty ?? false else { return }
        agents[name] = nil
    }

    /// Looks for agents that other nodes have heard or evicted since. Not while a write is under way.
    mutating func compare(with roll: AgentRoll, at now: Duration) {
        roaming = roaming.filter { $0.value >= now }
        for record in roll.agents {
            guard let report = agents[record.name], report.waiting.isEmpty else { continue }
            if report.sighting != record.lastSeen {
                agents[record.name] = nil
                roaming[record.name] = now + Self.roamingTime
            } else if record.isEvicted, !report.isUnsaved {
                agents[record.name] = nil
            } else if report.isAheadSaved, record.ahead != report.ahead {
                // Evicted meanwhile, and heard again: where it still says so, it's news.
                agents[record.name]?.ahead = nil
            }
        }
    }
}
