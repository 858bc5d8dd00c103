import AsyncWaiting
import Foundation
import Logging
import Metrics
import RegistryModel
import RoutingTable

/// Keeps the file from which the agent starts: the first table at once, for an agent that is killed young has
/// nothing else to start from; then some time after a change, not at each; and when the agent stops.
actor StateKeeper {
    private let table: any RoutingTable
    private let status: AgentStatus
    private let file: URL
    private let delay: Duration
    private let retry: Duration
    private let logger: Logger
    private var saved: Position?
    private var savedCurrentAt: Timestamp?
    /// The table has changed.
    nonisolated let wakeup = Wakeup()
    private nonisolated let executor = BlockingExecutor("agent-state")
    private let saves = Counter(label: "registry_agent_state_saves_total")
    private let failures = Counter(label: "registry_agent_state_failures_total")

    init(
        _ table: any RoutingTable, _ status: AgentStatus, file: URL, delay: Duration,
        retry: Duration = .seconds(10), logger: Logger
    ) {
        self.table = table
        self.status = status
        self.file = file
        self.delay = delay
        self.retry = retry
        self.logger = logger
        saves.increment(by: 0)
        failures.increment(by: 0)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func run() async {
        for await _ in wakeup {
            var wait = hasOneToStartFrom ? delay : .zero
            repeat {
                guard (try? await Task.sleep(for: wait)) != nil else { return }
                wait = retry
            } while !save()
        }
    }

    /// A file of another epoch is a table that the registry has given up.
    private var hasOneToStartFrom: Bool {
        guard let saved else { return false }
        return saved.epoch == table.position?.epoch
    }

    /// Loads the table from the file, where there's a good one.
    func load() {
        let load = table.beginLoad()
        do throws(SnapshotRefusal) {
            guard let contents = try StateFile.read(file, into: load) else { return }
            guard load.finish(at: contents.facts.position) else { throw SnapshotRefusal.tooLarge }
            saved = contents.facts.position
            savedCurrentAt = contents.currentAt
            status.started(currentAt: contents.currentAt)
            status.tried(.state)
            logger.notice(
                "started from the state file",
                metadata: [
                    "position": "\(contents.facts.position)",
                    "domains": "\(contents.facts.count)", "current_at": "\(contents.currentAt)",
                ])
        } catch {
            status.refused(error)
            logger.error(
                "the state file is refused; until the registry answers there is no table",
                metadata: ["file": "\(file.path)", "error": "\(error)"])
        }
    }

    /// - Returns: false where the file couldn't be written: the old one is there as it was.
    @discardableResult
    func save() -> Bool {
        guard let position = table.position, let currentAt = status.summary.currentAt,
            position != saved || currentAt != savedCurrentAt
        else { return true }
        defer { status.tried(.state) }
        do {
            let copy = try table.packed()
            try StateFile.write(copy, currentAt: currentAt, to: file)
            saved = copy.position
            savedCurrentAt = currentAt
            saves.increment()
            return true
        } catch {
            failures.increment()
            logger.error(
                "the state file can't be written; the agent goes on without",
                metadata: ["error": "\(error)"])
            return false
        }
    }
}
