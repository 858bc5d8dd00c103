import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// Checks a SQLite file, in use or not, on a reader connection.
struct SQLiteVerifier {
    let reader: any DatabaseReader
    /// Of a store in use: each read waits for its turn among other long ones.
    var lanes: ReadLanes?
    let noted: NotedDigest?
    var pace = VerificationPace.full
    let progress: @Sendable (VerificationProgress) -> Void

    func run() async throws -> Verification {
        let steps = LanedReader(reader: reader, lanes: lanes)
        let schema = try await steps.read { db in
            let check = try SQLiteSchemaCheck(db)
            return VerifiedSchema(
                flaws: check.flaws, foreign: check.foreign, locations: check.locations,
                contents: check.contents)
        }
        do {
            return try await StoreVerifier(steps, noted: noted, pace: pace, progress: progress).run(
                schema)
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_ERROR && !schema.flaws.isEmpty
        {
            // A table or a column is gone: with the schema it's said what, and nothing else can be.
            return Verification(
                revision: .zero, digest: RevisionDigest.genesis, flaws: schema.flaws,
                extent: .init())
        }
    }
}

private struct LanedReader: VerifiedReader {
    let reader: any DatabaseReader
    let lanes: ReadLanes?

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        guard let lanes else { return try await reader.read(body) }
        return try await lanes.run(.walk) { () async -> Result<Value, any Error> in
            do {
                return .success(try await reader.read(body))
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

extension SQLiteStore {
    package func verify(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        do {
            return try await SQLiteVerifier(
                reader: pool, lanes: lanes, noted: noted, pace: pace, progress: progress
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
        _ file: URL, pace: VerificationPace = .full,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        guard FileManager.default.isReadableFile(atPath: file.path) else {
            throw StoreOpeningError.folder("\(file.path) can't be read")
        }
        return try await verify(file: file, nil, pace: pace, progress: progress)
    }

    private static func verify(
        file: URL, _ noted: NotedDigest?, pace: VerificationPace = .full,
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
            var result = try await SQLiteVerifier(
                reader: queue, noted: noted, pace: pace, progress: progress
            ).run()
            result.flaws += damage.map { .init(nil, "SQLite finds the file damaged: \($0)") }
            try queue.close()
            return result
        } catch let error as DatabaseError {
            throw StoreOpeningError.database(
                "\(file.path): \(error.message ?? "SQLite failed") (\(error.extendedResultCode))")
        }
    }
}
