import Foundation
import Logging
import PostgresStore
import PrometheusMetrics
import RegistryModel
import SQLiteStore

/// A store that a command opens by itself, without a service: a stopped one in a folder, or a database whose nodes may
/// run meanwhile.
enum OfflineStore {
    /// - Parameters:
    ///   - folder: of the embedded store, or of a node: what it has seen of the database speaks here, too.
    ///   - makesNew: whether there may be a store only from now on. A database gets its tables either way.
    static func open(
        _ choice: StoreChoice, _ folder: String, makesNew: Bool = false
    ) async throws -> any Store {
        var logger = Logger(label: "tenant-registry") { label in
            JSONLogHandler(label: label) { line, _ in StandardError.write(line) }
        }
        // That a mark can't be read, for example, which nothing is held against then.
        logger.logLevel = .warning
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        do {
            switch choice {
            case .embedded:
                // Opening would make a new one.
                guard makesNew || SQLiteStore.isThere(in: url) else {
                    throw CommandFailure.failed("there is no store in \(folder)")
                }
                return try SQLiteStore(
                    SQLiteStore.Configuration(
                        folder: url, quarantine: .zero, now: SystemClock.now),
                    logger: logger, onCommit: { _ in })
            case .postgres(let connection):
                // By the database's clock, as every node writes.
                var configuration = PostgresStore.Configuration(
                    connection: connection, quarantine: .zero)
                configuration.mark = url.appendingPathComponent(OpenStore.nodeMark).path
                configuration.keepsMark = false
                return try await PostgresStore.open(
                    configuration, logger: logger, onCommit: { _ in })
            }
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        } catch let error as PostgresOpeningError {
            throw CommandFailure.failed(error.description)
        }
    }
}
