import RegistryModel
import RoutingTable
import Synchronization

/// What a node keeps in memory, and how it follows the log: the routing table and the tokens.
public struct NodeState: Sendable {
    public let table: any RoutingTable
    public let tokens: TokenDirectory
    private let migrations = OpenMigrations()

    public init(table: any RoutingTable, tokens: TokenDirectory = TokenDirectory()) {
        self.table = table
        self.tokens = tokens
    }

    /// Migrations that are planned or running.
    public var openMigrations: Int { migrations.count.load(ordering: .relaxed) }

    /// Reads everything. The listener opens only after this has returned.
    public func load(from source: some ChangeSource) async throws(RegistryError) {
        let parts = Collected()
        let head = try await source.snapshot { parts.add($0) }
        let (locations, tokens, domains, openMigrations) = parts.take()
        self.tokens.load(tokens)
        migrations.count.store(openMigrations, ordering: .relaxed)
        table.load(
            domains, locations: locations, at: Position(epoch: head.epoch, revision: head.revision))
    }

    /// Takes in one revision. Tokens first: who sees the revision may use them.
    /// - Returns: false where a revision in between is missing.
    @discardableResult
    public func apply(_ changes: RevisionChanges) -> Bool {
        tokens.apply(changes.tokens)
        migrations.count.add(changes.openMigrations, ordering: .relaxed)
        return table.apply(changes)
    }
}

private final class OpenMigrations: Sendable {
    let count = Atomic(0)
}
