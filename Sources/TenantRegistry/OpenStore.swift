import Foundation
import Logging
import PostgresStore
import RegistryModel
import RegistryService
import SQLiteStore

/// Where a service keeps its truth.
enum StoreChoice: Sendable {
    /// SQLite in the data folder.
    case embedded
    case postgres(ConnectionSettings)

    /// - Parameters:
    ///   - url: the flag `--store`.
    ///   - passwordFile: the flag `--store-password-file`.
    /// - Throws: `CommandFailure.usage`, without what could be a password.
    static func read(
        _ settings: Settings, _ url: String?, passwordFile: String?
    ) throws -> StoreChoice {
        guard let url = try settings.text(url, "store") else { return .embedded }
        var password = try settings.text(nil, "store-password")
        if let path = try settings.text(passwordFile, "store-password-file") {
            guard let text = SecretFile.text(of: path) else {
                throw CommandFailure.usage("--store-password-file: \(path) can't be read")
            }
            password = text.trimmingCharacters(in: .newlines)
        }
        do {
            return .postgres(try ConnectionSettings(url: url, password: password))
        } catch {
            throw CommandFailure.usage("--store: \(error)")
        }
    }
}

/// Opens the store that the options name, and connects it to the node's memory.
enum OpenStore {
    static func open(
        _ options: ServeOptions, state: NodeState, logger: Logger
    ) async throws -> any Store {
        let counts = { @Sendable () in state.domainCounts }
        switch options.store {
        case .embedded: return try embedded(options, counts, logger, state.apply)
        case .postgres(let connection):
            return try await postgres(connection, options, counts, logger, state.apply)
        }
    }

    private static func embedded(
        _ options: ServeOptions, _ counts: @escaping DomainCounts, _ logger: Logger,
        _ observer: @escaping @Sendable (RevisionChanges) -> Void
    ) throws -> SQLiteStore {
        do {
            var configuration = SQLiteStore.Configuration(
                folder: options.folder, quarantine: options.quarantine, now: SystemClock.now)
            configuration.blastRadius = options.blastRadius
            configuration.approval = options.approval
            configuration.suffixes = options.suffixes
            configuration.counts = counts
            configuration.acceptsRewind = options.acceptsRewind
            return try SQLiteStore(configuration, logger: logger, onCommit: observer)
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        }
    }

    /// What this node has seen of the database's log.
    static let nodeMark = "database-mark"

    /// Waits for a database that may still come, for a while: it's often started together with its
    /// nodes. What waiting doesn't help ends at once.
    private static func postgres(
        _ connection: ConnectionSettings, _ options: ServeOptions,
        _ counts: @escaping DomainCounts, _ logger: Logger,
        _ observer: @escaping @Sendable (RevisionChanges) -> Void
    ) async throws -> PostgresStore {
        // Nothing else makes it here, and the first admin token goes there.
        try FileManager.default.createDirectory(
            at: options.folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        var configuration = PostgresStore.Configuration(
            connection: connection, quarantine: options.quarantine)
        configuration.blastRadius = options.blastRadius
        configuration.approval = options.approval
        configuration.suffixes = options.suffixes
        configuration.counts = counts
        configuration.mark = options.folder.appendingPathComponent(nodeMark).path
        configuration.acceptsRewind = options.acceptsRewind
        let deadline = ContinuousClock.now + options.storeWait
        while true {
            do {
                let store = try await PostgresStore.open(
                    configuration, logger: logger, onCommit: observer)
                logger.notice("database opened", metadata: ["database": "\(connection)"])
                return store
            } catch let error as PostgresOpeningError {
                guard error.isPassing, ContinuousClock.now < deadline else {
                    throw CommandFailure.failed("\(connection): \(error)")
                }
                logger.warning(
                    "the database isn't there yet", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }
}
