import Foundation
import Logging
import PostgresServer
import PostgresStore
import RegistryModel
import SQLiteStore

/// The store under the API: SQLite, or PostgreSQL where `REGISTRY_TEST_STORE=postgres` says so. No test
/// knows which.
enum TestStore {
    private static let isPostgres =
        ProcessInfo.processInfo.environment["REGISTRY_TEST_STORE"] == "postgres"

    /// - Parameter folder: the store's own, or what its database is named after.
    static func open(
        _ settings: RegistrySettings, folder: URL, clock: SettableClock, _ logger: Logger,
        _ onCommit: @escaping @Sendable (RevisionChanges) -> Void
    ) async throws -> any Store {
        guard isPostgres else {
            var configuration = SQLiteStore.Configuration(
                folder: folder, quarantine: settings.quarantine, now: { clock.now })
            configuration.blastRadius = settings.blastRadius
            return try SQLiteStore(configuration, logger: logger, onCommit: onCommit)
        }
        let server = try await PostgresServer.shared()
        try await server.makeDatabase(folder.lastPathComponent)
        var configuration = PostgresStore.Configuration(
            connection: try ConnectionSettings(url: server.url(folder.lastPathComponent)),
            quarantine: settings.quarantine, now: { clock.now })
        configuration.blastRadius = settings.blastRadius
        configuration.readers = 2
        configuration.agentClock = { clock.now }
        return try await PostgresStore.open(configuration, logger: logger, onCommit: onCommit)
    }

    static func remove(_ folder: URL) async throws {
        guard isPostgres else { return }
        try await PostgresServer.shared().dropDatabase(folder.lastPathComponent)
    }
}
