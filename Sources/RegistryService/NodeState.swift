import Logging
import RegistryModel
import RoutingTable
import Synchronization

/// What a node keeps in memory, and how it follows the log: the routing table and the tokens.
public struct NodeState: Sendable {
    public let table: any RoutingTable
    public let tokens: TokenDirectory
    /// For those who follow this node.
    public let feed: ChangeFeed
    public let zones: ZoneNames
    private let migrations = OpenMigrations()
    private let freezes = Freezes()
    private let webhooks = WebhookChanges()
    private let logger: Logger

    public init(
        table: any RoutingTable, tokens: TokenDirectory = TokenDirectory(),
        feed: ChangeFeed = ChangeFeed(), zones: ZoneNames = ZoneNames(),
        logger: Logger = Logger(label: "tenant-registry")
    ) {
        self.logger = logger
        self.table = table
        self.tokens = tokens
        self.feed = feed
        self.zones = zones
    }

    /// Migrations that are planned or running.
    public var openMigrations: Int { migrations.count.load(ordering: .relaxed) }

    /// How often webhooks have changed since the table was loaded: who delivers reads them again.
    package var webhookChanges: Int { webhooks.count.load(ordering: .acquiring) }

    /// How many domains frozen waves hold, by location.
    public var frozenDomains: [LocationName: Int] { freezes.count() }

    /// How many domains each location has; nil until the table is loaded.
    public var domainCounts: Read<[LocationName: Int]>? {
        guard let statistics = try? table.statistics() else { return nil }
        return Read(
            Dictionary(statistics.value.locations.map { ($0.name, $0.domains) }) { $1 },
            at: statistics.revision)
    }

    /// Reads everything. The listener opens only after this has returned.
    public func load(from source: some ChangeSource) async throws(RegistryError) {
        let load = table.beginLoad()
        let tokens = Accumulator<TokenRecord>()
        let locations = Accumulator<Location>()
        let names = Accumulator<FQDN>()
        let head = try await source.snapshot { part in
            switch part {
            case .locations(let more):
                load.add(more)
                locations.add(more)
            case .tokens(let more): tokens.add(more)
            case .openMigrations(let count): migrations.count.store(count, ordering: .relaxed)
            case .frozenWaves(let waves): freezes.load(waves)
            case .domains(let more):
                load.add(more)
                if !zones.zones.isEmpty {
                    names.add(more.map(\.fqdn).filter(zones.isDeep))
                }
            }
        }
        self.tokens.load(tokens.take())
        zones.load(locations.take(), names.take())
        let position = Position(epoch: head.epoch, revision: head.revision)
        guard load.finish(at: position) else {
            throw .tooManyLocations(limit: Location.maximumCount)
        }
        feed.begin(at: position)
    }

    /// Takes in one revision. Tokens first: who sees the revision may use them. The feed last: who
    /// hears of the revision finds it in the table.
    @Sendable public func apply(_ changes: RevisionChanges) {
        tokens.apply(changes.tokens)
        migrations.count.add(changes.openMigrations, ordering: .relaxed)
        freezes.apply(changes.freezes)
        zones.apply(changes)
        guard table.apply(changes) else {
            logger.critical(
                "the table missed a revision", metadata: ["revision": "\(changes.revision)"])
            return
        }
        feed.publish(changes)
        if changes.hasWebhooks { webhooks.count.add(1, ordering: .releasing) }
    }
}

private final class WebhookChanges: Sendable {
    let count = Atomic(0)
}

private final class OpenMigrations: Sendable {
    let count = Atomic(0)
}

/// The waves that are frozen now: a handful.
private final class Freezes: Sendable {
    private let waves = Mutex<[WaveName: FrozenWave]>([:])

    func load(_ frozen: [FrozenWave]) {
        waves.withLock { $0 = Dictionary(frozen.map { ($0.name, $0) }) { $1 } }
    }

    func apply(_ changes: [RevisionChanges.FreezeChange]) {
        guard !changes.isEmpty else { return }
        waves.withLock { waves in
            for change in changes {
                switch change {
                case .began(let wave): waves[wave.name] = wave
                case .ended(let name): waves[name] = nil
                case .cancelled(let migration):
                    waves = waves.filter { $0.key.migration != migration }
                }
            }
        }
    }

    func count() -> [LocationName: Int] {
        waves.withLock { waves in
            waves.values.reduce(into: [:]) { $0[$1.location, default: 0] += $1.size }
        }
    }
}
