import Foundation
import Logging
import RegistryModel
import SQLiteStore
import Testing

/// An engine that the contract holds for. A new engine is one more entry in `all`.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
    struct Settings: Sendable {
        /// The store's own; the same folder means the same store.
        var folder: URL
        var quarantine: Duration
        var blastRadius = BlastRadius()
        var now: @Sendable () -> Timestamp
        var onCommit: @Sendable (RevisionChanges) -> Void
    }

    var name: String
    var open: @Sendable (Settings) async throws -> any Store

    var testDescription: String { name }

    static let all = [
        StoreUnderTest(name: "SQLite") { settings in
            var configuration = SQLiteStore.Configuration(
                folder: settings.folder, quarantine: settings.quarantine, now: settings.now)
            configuration.blastRadius = settings.blastRadius
            let logger = Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() }
            return try SQLiteStore(configuration, logger: logger, onCommit: settings.onCommit)
        }
    ]

    /// Runs `body` on a fresh store, and takes the store away afterwards.
    func run(
        quarantine: Duration = .seconds(90 * 86_400), blastRadius: BlastRadius = BlastRadius(),
        _ body: (StoreSession) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("store-contract-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let session = try await StoreSession(
            self, folder: folder, quarantine: quarantine, blastRadius: blastRadius)
        do {
            try await body(session)
        } catch {
            await session.store.close()
            throw error
        }
        await session.store.close()
    }
}
