import RegistryModel

/// A store that was put back under its old epoch: it lacks revisions that somebody has seen, and would give their
/// numbers to other changes. Nobody could tell the one from the other.
package struct Rewind: Equatable, Sendable, CustomStringConvertible {
    package enum Evidence: Equatable, Sendable {
        /// One of so many agents, the one that has the most.
        case agent(AgentName, Revision, count: Int)
        /// Of what this node has seen itself.
        case mark(Revision, StoreMarkMismatch)
    }

    package var head: Position
    package var evidence: [Evidence]

    /// nil: nothing speaks for it.
    package init?(_ head: Position, _ evidence: [Evidence]) {
        guard !evidence.isEmpty else { return nil }
        self.head = head
        self.evidence = evidence
    }

    private var isOnlyReported: Bool {
        evidence.allSatisfy { if case .agent = $0 { true } else { false } }
    }

    package var description: String {
        let seen = evidence.map { evidence in
            switch evidence {
            case .agent(let name, let revision, let count):
                "agent \(name)\(count > 1 ? ", one of \(count)," : "") has reported revision \(revision), which the log hadn't"
            case .mark(let revision, let mismatch):
                "this node has seen revision \(revision), and \(mismatch.reason)"
            }
        }
        return
            "it was put back under its old epoch, \(head.epoch)\(isOnlyReported ? ", or a report was wrong" : ""): \(seen.joined(separator: "; ")); the log ends at revision \(head.revision)"
    }

    /// What the operator can do. To be read after the description.
    package static let ways = """
        Either it stays as it is, under a new epoch: start once with --accept-rewind, or run tenant-registry epoch \
        renew; agents then read the table anew by themselves. Or what has more takes its place: a newer copy, or the \
        right server, where the address leads to one that was left behind
        """
}
