import Foundation
import Logging
import PostgresServer
import PostgresStore
import RegistryModel
import SQLiteStore
import StoreCore
import Testing

/// An engine that the contract holds for. A new engine is one more entry in `all`.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
    struct Settings: Sendable {
        /// The store's own; the same folder means the same store, the name of the database too.
        var folder: URL
        var quarantine: Duration
        var blastRadius = BlastRadius()
        var approval = ApprovalRule()
        var locationLimit = Location.maximumCount
        var suffixes: [FQDN] = []
        var acceptsRewind = false
        var now: @Sendable () -> Timestamp
        var counts: DomainCounts
        var onCommit: @Sendable (RevisionChanges) -> Void
    }

    var name: String
    var open: @Sendable (Settings) async throws -> any Store
    /// Takes away what `open` made beside the folder.
    var remove: @Sendable (URL) async throws -> Void = { _ in }

    var testDescription: String { name }

    static let all = [sqlite, postgres]

    private static let sqlite = StoreUnderTest(name: "SQLite") { settings in
        var configuration = SQLiteStore.Configuration(
            folder: settings.folder, quarantine: settings.quarantine, now: settings.now)
        configuration.blastRadius = settings.blastRadius
        configuration.approval = settings.approval
        configuration.counts = settings.counts
        configuration.locationLimit = settings.locationLimit
        configuration.suffixes = settings.suffixes
        configuration.acceptsRewind = settings.acceptsRewind
        configuration.reads = reads(configuration.reads)
        return try SQLiteStore(configuration, logger: silent, onCommit: settings.onCommit)
    }

    private static let postgres = StoreUnderTest(name: "PostgreSQL") { settings in
        let server = try await PostgresServer.shared()
        let database = settings.folder.lastPathComponent
        try await server.makeDatabase(database)
        var configuration = PostgresStore.Configuration(
            connection: try ConnectionSettings(url: server.url(database)),
            quarantine: settings.quarantine, now: settings.now)
        configuration.blastRadius = settings.blastRadius
        configuration.approval = settings.approval
        configuration.counts = settings.counts
        configuration.locationLimit = settings.locationLimit
        configuration.suffixes = settings.suffixes
        configuration.acceptsRewind = settings.acceptsRewind
        configuration.reads = reads(.init(connections: 2))
        configuration.agentClock = settings.now
        return try await PostgresStore.open(
            configuration, logger: silent, onCommit: settings.onCommit)
    } remove: { folder in
        try await PostgresServer.shared().dropDatabase(folder.lastPathComponent)
    }

    /// Nobody is refused because the machine has much to do.
    private static func reads(_ limits: ReadLanes.Limits) -> ReadLanes.Limits {
        var limits = limits
        limits.patience = .seconds(600)
        limits.walkTime = .seconds(600)
        return limits
    }

    private static let silent = Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` on a fresh store, and takes the store away afterwards.
    func run(
        quarantine: Duration = .seconds(90 * 86_400), blastRadius: BlastRadius = BlastRadius(),
        approval: ApprovalRule = ApprovalRule(), locationLimit: Int = Location.maximumCount,
        suffixes: [FQDN] = [],
        _ body: (StoreSession) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("store-contract-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let session = try await StoreSession(
            self, folder: folder, quarantine: quarantine, blastRadius: blastRadius,
            approval: approval, locationLimit: locationLimit, suffixes: suffixes)
        do {
            try await body(session)
        } catch {
            await session.store.close()
            try await remove(folder)
            throw error
        }
        await session.store.close()
        try await remove(folder)
    }
}
