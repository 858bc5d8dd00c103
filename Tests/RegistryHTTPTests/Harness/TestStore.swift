import Foundation
import Logging
import PostgresServer
import PostgresStore
import RegistryModel
import SQLiteStore
import Testing

/// The store under the API: SQLite, or PostgreSQL where `REGISTRY_TEST_STORE=postgres` says so. No test
/// knows which, but for those that are about one of them.
enum TestStore {
    enum Engine: String {
        case sqlite, postgres

        /// The one that the tests run on.
        static let chosen =
            ProcessInfo.processInfo.environment["REGISTRY_TEST_STORE"].flatMap(Engine.init)
            ?? .sqlite
    }

    /// - Parameter folder: the store's own, or what its database is named after.
    static func open(
        _ settings: RegistrySettings, folder: URL, clock: SettableClock,
        counts: @escaping DomainCounts, _ logger: Logger,
        _ onCommit: @escaping @Sendable (RevisionChanges) -> Void
    ) async throws -> any Store {
        switch settings.engine {
        case .sqlite:
            var configuration = SQLiteStore.Configuration(
                folder: folder, quarantine: settings.quarantine, now: { clock.now })
            configuration.blastRadius = settings.blastRadius
            configuration.approval = settings.approval
            configuration.suffixes = settings.suffixes
            configuration.counts = counts
            return try SQLiteStore(configuration, logger: logger, onCommit: onCommit)
        case .postgres:
            let database = folder.lastPathComponent
            try await PostgresServer.shared().makeDatabase(database, like: template.value)
            var configuration = try await configuration(of: database) { clock.now }
            configuration.quarantine = settings.quarantine
            configuration.blastRadius = settings.blastRadius
            configuration.approval = settings.approval
            configuration.suffixes = settings.suffixes
            configuration.counts = counts
            return try await PostgresStore.open(configuration, logger: logger, onCommit: onCommit)
        }
    }

    /// One more node on the database of an open registry: a store that nobody follows.
    static func anotherNode(of registry: RunningRegistry) async throws -> PostgresStore {
        let clock = registry.clock
        return try await PostgresStore.open(
            try await configuration(of: registry.storeName) { clock.now },
            logger: Logger(label: "another") { _ in SwiftLogNoOpLogHandler() }, onCommit: { _ in })
    }

    /// Gives a store that nobody has open a new epoch.
    static func renewEpoch(_ folder: URL, _ engine: Engine) async throws -> Epoch {
        switch engine {
        case .sqlite: try EpochRenewal.run(in: folder).epoch
        case .postgres:
            try await PostgresStore.renewEpoch(
                ConnectionSettings(
                    url: PostgresServer.shared().url(folder.lastPathComponent))
            ).epoch
        }
    }

    static func remove(_ folder: URL, _ engine: Engine) async throws {
        guard engine == .postgres else { return }
        try await PostgresServer.shared().dropDatabase(folder.lastPathComponent)
    }

    private static func configuration(
        of database: String, now: @escaping @Sendable () -> Timestamp
    ) async throws -> PostgresStore.Configuration {
        var configuration = PostgresStore.Configuration(
            connection: try ConnectionSettings(
                url: try await PostgresServer.shared().url(database)),
            quarantine: .days(90), now: now)
        configuration.reads = .init(connections: 2)
        configuration.agentClock = now
        return configuration
    }

    /// A database with the schema in it, and no head: a copy of it is made sooner than a new one, and
    /// becomes a store of its own when it's opened.
    private static let template = Task {
        let (server, name) = (try await PostgresServer.shared(), "api_template")
        try await server.makeDatabase(name)
        let store = try await PostgresStore.open(
            try await configuration(of: name) { Timestamp(milliseconds: 0) },
            logger: Logger(label: "template") { _ in SwiftLogNoOpLogHandler() },
            onCommit: { _ in })
        await store.close()
        try await server.run("SET session_replication_role = replica; DELETE FROM head", in: name)
        let version = try await server.run("SHOW server_version").first?.first
        print("The store under the API is PostgreSQL \((version ?? nil) ?? "").")
        return name
    }
}

extension Trait where Self == ConditionTrait {
    /// What never comes as far as the store runs once, on SQLite.
    static var whateverTheStore: Self {
        .enabled(
            if: TestStore.Engine.chosen == .sqlite,
            "the same whatever the store: runs on SQLite only")
    }

    static var ofSQLite: Self {
        .enabled(
            if: TestStore.Engine.chosen == .sqlite,
            "SQLite's own: PostgreSQL answers 501, its own tools make backups")
    }

    static var ofPostgres: Self {
        .enabled(if: TestStore.Engine.chosen == .postgres, "PostgreSQL's own")
    }
}
