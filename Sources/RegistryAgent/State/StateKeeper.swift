import AsyncWaiting
import Foundation
import Logging
import Metrics
import RegistryModel
import RoutingTable
import Synchronization

/// Keeps the file from which the agent starts: the first table at once, for an agent that is killed young has
/// nothing else to start from; then some time after a change, not at each; and when the agent stops.
actor StateKeeper {
    private let table: any RoutingTable
    private let status: AgentStatus
    private let file: URL
    private let delay: Duration
    private let retry: Duration
    private let logger: Logger
    /// What the next start has.
    private nonisolated let onDisk = Mutex<Position?>(nil)
    /// Told when something has been saved.
    private let tell: @Sendable () -> Void
    /// What must be there soon: the revisions that announced waves, of which there are few at a time.
    private struct Wanted {
        var epoch: Epoch?
        var revisions: Set<Revision> = []
    }

    private nonisolated let wanted = Mutex(Wanted())
    /// What is on the disk isn't enough.
    nonisolated let urgency = Wakeup()
    private var savedCurrentAt: Timestamp?
    /// The table has changed.
    nonisolated let wakeup = Wakeup()
    private nonisolated let executor = BlockingExecutor("agent-state")
    private let saves = Counter(label: "registry_agent_state_saves_total")
    private let failures = Counter(label: "registry_agent_state_failures_total")

    init(
        _ table: any RoutingTable, _ status: AgentStatus, file: URL, delay: Duration,
        retry: Duration = .seconds(10), logger: Logger,
        saved tell: @escaping @Sendable () -> Void = {}
    ) {
        self.table = table
        self.status = status
        self.file = file
        self.delay = delay
        self.retry = retry
        self.logger = logger
        self.tell = tell
        saves.increment(by: 0)
        failures.increment(by: 0)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var saved: Position? {
        get { onDisk.withLock(\.self) }
        set { onDisk.withLock { $0 = newValue } }
    }

    /// An announcement has come: it's saved without delay.
    nonisolated func want(_ announcement: Position) {
        let saved = onDisk.withLock(\.self)
        wanted.withLock { wanted in
            if wanted.epoch != announcement.epoch { wanted = Wanted(epoch: announcement.epoch) }
            if let saved, saved.epoch == wanted.epoch {
                wanted.revisions = wanted.revisions.filter { $0 > saved.revision }
            }
            wanted.revisions.insert(announcement.revision)
        }
    }

    /// What may be said to be applied: nothing from an announcement on that a start from the disk wouldn't have.
    nonisolated func reportable(_ position: Position) -> Position {
        let saved = onDisk.withLock(\.self)
        let unsaved = wanted.withLock { wanted -> Revision? in
            guard wanted.epoch == position.epoch else { return nil }
            return wanted.revisions.filter { revision in
                saved.map { $0.epoch != position.epoch || $0.revision < revision } ?? true
            }.min()
        }
        guard let unsaved, unsaved <= position.revision else { return position }
        return Position(epoch: position.epoch, revision: Revision(unsaved.number - 1))
    }

    private var isUrgent: Bool { table.position.map { reportable($0) != $0 } ?? false }

    /// Saves what an announcement asks for, while `run` takes its time.
    func runUrgently() async {
        for await _ in urgency {
            while isUrgent, !save() {
                guard (try? await Task.sleep(for: retry)) != nil else { return }
            }
        }
    }

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

    /// What the file says that it is of; nil: there's none, or it says nothing.
    var savedPosition: Position? { StateFile.position(of: file) }

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
            tell()
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
