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
    let progress: @Sendable (VerificationProgress) -> Void

    func run() async throws -> Verification {
        let steps = LanedReader(reader: reader, lanes: lanes)
        let schema = try await steps.read { db in
            let check = try SQLiteSchemaCheck(db)
            return VerifiedSchema(
                flaws: check.flaws, foreign: check.foreign, locations: check.locations,
                hasFacets: check.hasFacets)
        }
        do {
            return try await StoreVerifier(steps, noted: noted, progress: progress).run(schema)
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
