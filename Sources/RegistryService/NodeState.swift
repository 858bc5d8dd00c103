import RegistryModel
import RoutingTable
import Synchronization

/// What a node keeps in memory, and how it follows the log: the routing table and the tokens.
public struct NodeState: Sendable {
    public let table: any RoutingTable
    public let tokens: TokenDirectory
    /// For those who follow this node.
    public let feed: ChangeFeed
    private let migrations = OpenMigrations()

    public init(
        table: any RoutingTable, tokens: TokenDirectory = TokenDirectory(),
        feed: ChangeFeed = ChangeFeed()
    ) {
        self.table = table
        self.tokens = tokens
        self.feed = feed
    }

    /// Migrations that are planned or running.
    public var openMigrations: Int { migrations.count.load(ordering: .relaxed) }

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
        let tokens = Collected<TokenRecord>()
        let head = try await source.snapshot { part in
            switch part {
            case .locations(let more): load.add(more)
            case .tokens(let more): tokens.add(more)
            case .openMigrations(let count): migrations.count.store(count, ordering: .relaxed)
            case .domains(let more): load.add(more)
            }
        }
        self.tokens.load(tokens.take())
        let position = Position(epoch: head.epoch, revision: head.revision)
        guard load.finish(at: position) else {
            throw .tooManyLocations(limit: Location.maximumCount)
        }
        feed.begin(at: position)
    }

    /// Takes in one revision. Tokens first: who sees the revision may use them. The feed last: who
    /// hears of the revision finds it in the table.
    /// - Returns: false where a revision in between is missing.
    @discardableResult
    public func apply(_ changes: RevisionChanges) -> Bool {
        tokens.apply(changes.tokens)
        migrations.count.add(changes.openMigrations, ordering: .relaxed)
        guard table.apply(changes) else { return false }
        feed.publish(changes)
        return true
    }
}

private final class OpenMigrations: Sendable {
    let count = Atomic(0)
}
