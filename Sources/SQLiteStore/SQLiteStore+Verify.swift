import Foundation
import GRDB
import RegistryModel
import StoreCore

extension SQLiteStore {
    package func verify(
        _ noted: NotedDigest?, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        do {
            return try await SQLiteVerifier(
                reader: pool, lanes: lanes, noted: noted, progress: progress
            ).run()
        } catch let error as RegistryError {
            throw error
        } catch {
            throw writer.refusal(forRead: error)
        }
    }

    /// Checks a store that no process has open, and changes nothing in it. Beside what `verify` does,
    /// SQLite checks its own pages and indexes first.
    ///
    /// - Throws: `StoreOpeningError` where the folder holds no store, or another process has it.
    package static func verifyStopped(
        folder: URL, _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        let file = folder.appendingPathComponent(fileName)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw StoreOpeningError.folder("\(folder.path) holds no store: there is no \(fileName)")
        }
        let lock = try DataFolderLock(folder: folder)
        defer { lock.release() }
        return try await verify(file: file, noted, progress: progress)
    }

    /// Checks a copy of a store that a backup made, and changes nothing in it.
    ///
    /// - Throws: `StoreOpeningError` where it can't be read, or isn't one.
    package static func verifyBackup(
        _ file: URL, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        guard FileManager.default.isReadableFile(atPath: file.path) else {
            throw StoreOpeningError.folder("\(file.path) can't be read")
        }
        return try await verify(file: file, nil, progress: progress)
    }

    private static func verify(
        file: URL, _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        do {
            var settings = GRDB.Configuration()
            settings.readonly = true
            let queue = try DatabaseQueue(path: file.path, configuration: settings)
            let damage = try await queue.read { db in
                guard try SchemaHistory<StoreOpeningError>.isThere(in: db) else {
                    throw StoreOpeningError.foreign("\(file.path) has no schema of the registry's")
                }
                return try String.fetchAll(db, sql: "PRAGMA integrity_check(1)")
                    .filter { $0 != "ok" }
            }
            var result = try await SQLiteVerifier(reader: queue, noted: noted, progress: progress)
                .run()
            result.flaws += damage.map { .init(nil, "SQLite finds the file damaged: \($0)") }
            try queue.close()
            return result
        } catch let error as DatabaseError {
            throw StoreOpeningError.database(
                "\(file.path): \(error.message ?? "SQLite failed") (\(error.extendedResultCode))")
        }
    }
}
