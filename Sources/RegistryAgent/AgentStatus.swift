import AsyncWaiting
import Metrics
import RegistryModel
import RoutingTable
import Synchronization

/// How an agent stands to its registry, for `/readyz?verbose` and metrics.
package final class AgentStatus: Sendable {
    package struct Summary: Sendable, Hashable {
        package var isConnected = false
        /// Where the log ended, by the last that was heard.
        package var head: Revision?
        /// When the table was last known to be the registry's own.
        package var currentAt: Timestamp?
        /// Why the registry doesn't take this agent's reports; nil where it does.
        package var reportsRefused: String?
        /// What hasn't been tried yet since the start.
        package var unwritten: Set<InitialFile> = []
    }

    /// What an agent writes first of all once it has a table.
    package enum InitialFile: Sendable {
        /// What the next start needs.
        case state
        /// What proxies need at theirs.
        case maps
    }

    private let table: any RoutingTable
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(Summary())
    private let isWritten = Latch()
    private let resyncs = Counter(label: "registry_agent_resyncs_total")
    private let failures = Counter(label: "registry_agent_feed_failures_total")

    /// - Parameter unwritten: what somebody is going to write.
    package init(
        table: any RoutingTable, unwritten: Set<InitialFile> = [],
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.table = table
        state.withLock { $0.unwritten = unwritten }
        self.now = now
        // There from the start, so that an alert on them has something to look at.
        for code in SnapshotRefusal.codes { Self.refused(code).increment(by: 0) }
        resyncs.increment(by: 0)
        failures.increment(by: 0)
    }

    package var summary: Summary { state.withLock { $0 } }

    /// Time since the table was last known to be the registry's own, in whole milliseconds; nil where it
    /// never was.
    package var age: Int64? {
        summary.currentAt.map { max(0, now().milliseconds - $0.milliseconds) }
    }

    /// Revisions that the registry has, as far as it's known, and the table doesn't.
    package var lag: Int64? {
        guard let head = summary.head, let position = table.position else { return nil }
        return max(0, head.number - position.revision.number)
    }

    /// A table from the disk.
    func started(currentAt: Timestamp) {
        state.withLock { $0.currentAt = currentAt }
    }

    /// A file is there, or couldn't be written: an agent that answers isn't held back by a full disk.
    func tried(_ file: InitialFile) {
        let isLast = state.withLock { state in
            state.unwritten.remove(file)
            return state.unwritten.isEmpty
        }
        if isLast { isWritten.raise() }
    }

    /// Returns once there is a table, and everything has been tried that is to be written first; or when the task is
    /// cancelled.
    /// - Returns: whether it's so.
    package func waitUntilWritten() async -> Bool { await isWritten.wait() }

    /// - Parameter code: nil: the registry has taken a report.
    func reports(refused code: String?) {
        state.withLock { $0.reportsRefused = code }
    }

    func refused(_ refusal: SnapshotRefusal) {
        Self.refused(refusal.code).increment()
    }

    func take(_ progress: Follower.Progress) {
        switch progress {
        case .opened: state.withLock { $0.isConnected = true }
        case .loaded(let position, _): note(head: position.revision, at: position.revision)
        case .applied(let position, let head): note(head: head, at: position.revision)
        case .heartbeat(let head): note(head: head, at: head)
        case .failed(let error, _):
            state.withLock { $0.isConnected = false }
            switch error {
            case .resync: resyncs.increment()
            case .refused(let refusal): refused(refusal)
            case .unavailable, .cancelled: failures.increment()
            }
        }
    }

    private func note(head: Revision, at revision: Revision) {
        let time = now()
        state.withLock { state in
            state.head = head
            if revision >= head { state.currentAt = time }
        }
    }

    private static func refused(_ code: String) -> Counter {
        Counter(label: "registry_agent_snapshots_refused_total", dimensions: [("reason", code)])
    }
}

extension SnapshotRefusal {
    fileprivate static let codes = [
        "empty", "shrunken", "older", "too-large", "corrupt",
    ]
}
