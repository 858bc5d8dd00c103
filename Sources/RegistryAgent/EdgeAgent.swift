import AsyncWaiting
import Foundation
import Logging
import RegistryClient
import RegistryModel
import RoutingTable
import ServiceLifecycle
import SharedRoutes

/// What an agent is made with.
package struct AgentSettings: Sendable {
    /// How the registry names it.
    package var name: String
    package var follower = Follower.Settings()
    /// Between a change and the writing of the state file.
    package var saveDelay = Duration.seconds(5)
    package var settle = Duration.zero
    package var maps: [MapTarget] = []
    /// The rest between two writings of the maps; nil: as long as the last one took, 200 ms at most.
    package var debounce: Duration?
    /// Bytes in a name, for which the proxy's maps have room.
    package var longestMapKey = FQDN.maximumBytes
    package var onChange: OnChange?
    package var confirm: OnChange?
    /// Path of HAProxy's runtime socket.
    package var haproxySocket: String?

    package init(name: String) {
        self.name = name
    }
}

/// The edge copy: follows the registry, keeps the table on the disk and in map files, and reports what
/// it has applied. The listener beside it answers from the same table.
package struct EdgeAgent: Service {
    package let status: AgentStatus
    private let follower: Follower
    private let keeper: StateKeeper
    private let publisher: MapPublisher?
    private let reporter: Reporter
    /// Says what couldn't be said before the table was on the disk.
    private let afterSave: @Sendable () async -> Void
    private let shared: SharedTable?

    /// - Parameters:
    ///   - shared: the table, where other processes map it: what isn't visible to them isn't applied.
    ///   - lease: by which announced domains are answered; nil, or where maps are written: the agent can't fence itself.
    package init(
        _ client: RegistryClient, into table: any RoutingTable, shared: SharedTable? = nil,
        lease: TableLease? = nil, folder: StateFolder, _ settings: AgentSettings,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        let status = AgentStatus(
            table: table, unwritten: settings.maps.isEmpty ? [.state] : [.state, .maps], now: now)
        // Whoever is killed now has left what the next one answers from.
        if shared?.routePosition != nil { status.tried(.state) }
        // A map knows no clock: whoever writes some counts as one that lets writes through.
        let lease = settings.maps.isEmpty ? lease : nil
        if lease == nil { shared?.neverFence() }
        let reporter = Reporter(
            client, as: settings.name, settle: settings.settle, lease: lease, logger: logger,
            refused: { status.reports(refused: $0.map { $0.code ?? "\($0.status)" }) })
        let isSaved = Wakeup()
        let keeper = StateKeeper(
            table, status, file: folder.snapshot, delay: settings.saveDelay, logger: logger,
            saved: { isSaved.wake() })
        let applied = { @Sendable (position: Position) in
            if shared?.covers(position) ?? true {
                guard let lease else { return reporter.applied(position) }
                lease.applied(position)
                let reportable = keeper.reportable(position)
                if reportable != position { keeper.urgency.wake() }
                reporter.applied(reportable)
            } else {
                reporter.beat()
            }
        }
        let publisher =
            settings.maps.isEmpty
            ? nil
            : MapPublisher(
                table,
                MapPublisher.Settings(
                    targets: settings.maps, debounce: settings.debounce,
                    onChange: settings.onChange, confirm: settings.confirm,
                    haproxy: settings.haproxySocket.map { HAProxySocket(path: $0) },
                    admission: settings.follower.admission, longestKey: settings.longestMapKey),
                logger: logger, written: { status.tried(.maps) }, applied: applied)
        let tell = { @Sendable (progress: Follower.Progress) in
            status.take(progress)
            Self.log(progress, logger)
            if progress.isHeard { shared?.heard() }
            switch progress {
            case .opened:
                reporter.reconnected()
                // The table from the disk may be all that there is to know.
                if let publisher {
                    publisher.wakeup.wake()
                } else if let position = table.position {
                    applied(position)
                }
            case .loaded(let position, _), .applied(let position, _):
                if case .applied(_, let head) = progress, head > position.revision {
                    // There's more to come.
                } else {
                    shared?.isCurrent()
                }
                keeper.wakeup.wake()
                if let publisher { publisher.wakeup.wake() } else { applied(position) }
            case .heartbeat:
                shared?.retry()
                shared?.isCurrent()
                if publisher == nil, let position = table.position {
                    // What couldn't be shared before may be by now.
                    applied(position)
                } else {
                    publisher?.wakeup.wake()
                    reporter.beat()
                }
            case .failed(.refused(.older), _):
                // Whoever put the registry back should know that its numbers were given out before.
                if publisher == nil, let position = table.position {
                    applied(position)
                } else {
                    reporter.beat()
                }
            case .failed: break
            }
        }
        follower = Follower(
            RegistryFeed(client: client, announce: reporter.announce, fenced: keeper.want),
            into: table, settings.follower, tell: tell)
        afterSave = {
            for await _ in isSaved {
                if lease != nil, let position = table.position { applied(position) }
            }
        }
        self.status = status
        self.keeper = keeper
        self.publisher = publisher
        self.reporter = reporter
        self.shared = shared
    }

    /// Loads the table from the disk. Before the listener opens: an agent that was there yesterday
    /// answers at once. Where it left a file of routes it does so without the table, which comes with `run`.
    package func start() async {
        let saved = await keeper.savedPosition
        let isOlder = saved.map { shared?.isOlder(than: $0) ?? true } ?? false
        if shared?.routePosition == nil || isOlder { await load() }
    }

    private func load() async {
        await keeper.load()
        shared?.started()
        publisher?.wakeup.wake()
    }

    package func run() async throws {
        if shared?.isStarted == false { await load() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follower.run() }
            group.addTask { await keeper.run() }
            group.addTask { await keeper.runUrgently() }
            group.addTask { await reporter.run() }
            group.addTask { await reporter.keepLease() }
            group.addTask { await afterSave() }
            if let publisher { group.addTask { await publisher.run() } }
            try? await gracefulShutdown()
            group.cancelAll()
        }
        await keeper.save()
    }

    private static func log(_ progress: Follower.Progress, _ logger: Logger) {
        switch progress {
        case .opened: logger.notice("following the registry")
        case .loaded(let position, let count):
            logger.notice(
                "the table was read whole",
                metadata: ["position": "\(position)", "domains": "\(count)"])
        case .applied(let position, let head):
            logger.debug("applied", metadata: ["position": "\(position)", "head": "\(head)"])
        case .heartbeat: break
        case .failed(let error, let wait):
            let metadata: Logger.Metadata = [
                "error": "\(error)", "again_in_seconds": "\(wait / .seconds(1))",
            ]
            switch error {
            case .refused:
                logger.error(
                    "a snapshot is refused; the last good table stays", metadata: metadata)
            case .resync: logger.warning("the table has to be read anew", metadata: metadata)
            case .unavailable, .cancelled:
                logger.warning("the registry's feed is away", metadata: metadata)
            }
        }
    }
}

extension Follower.Progress {
    /// Whether the registry has just been heard.
    fileprivate var isHeard: Bool {
        if case .failed = self { false } else { true }
    }
}
