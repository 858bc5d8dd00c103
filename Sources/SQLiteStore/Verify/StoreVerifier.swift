import GRDB
import Migrations
import RegistryLedger
import RegistryModel
import StoreCore

/// Checks a whole store: its schema against the migration files, its log against the digests in it, its
/// tables against the log.
///
/// Up to one head, in short reads on a reader connection: writers, lookups and checkpoints go on
/// between them.
struct StoreVerifier {
    let reader: any DatabaseReader
    /// Of a store in use: each read waits for its turn among other long ones.
    var lanes: ReadLanes?
    let noted: NotedDigest?
    let progress: @Sendable (VerificationProgress) -> Void

    func run() async throws -> Verification {
        let (schema, (flaws, foreign)) = try await read { db in
            let schema = try SchemaCheck(try SchemaCheck.applied(to: db, of: SchemaFile.sqlite))
            return (schema, try schema.compare(db))
        }
        do {
            var result = try await run(schema)
            result.flaws += flaws
            result.foreign = foreign
            return result
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR && !flaws.isEmpty
        {
            // A table or a column is gone: with the schema it's said what, and nothing else can be.
            return Verification(
                revision: .zero, digest: RevisionDigest.genesis, flaws: flaws, extent: .init())
        }
    }

    private func run(_ schema: SchemaCheck) async throws -> Verification {
        let (head, beyond) = try await read { db in
            (try Head.read(db), try Self.beyond(db, schema))
        }
        var extent = Verification.Extent()
        let report = { (extent: Verification.Extent) in
            progress(VerificationProgress(extent: extent, head: head.revision))
        }
        report(extent)

        var chain = ChainCheck(
            through: head.revision, noted: noted, checksFacets: schema.hasFacets)
        while !chain.isDone {
            chain = try await step(chain) { try $0.advance(SQLiteLogScan(db: $1)) }
            (extent.revisions, extent.changes) = (chain.revision, chain.changes)
            report(extent)
        }
        var result = Verification(
            revision: head.revision, digest: head.digest, flaws: [], extent: extent)
        if let flaw = chain.flaw {
            result.flaws = [flaw]
        } else if chain.digest != head.digest {
            result.flaws = [.init(head.revision, "the head's digest isn't the log's")]
        } else {
            // What is now can only be held against a log that fits.
            var state = StateCheck(seeds: schema.locations)
            while !state.isDone {
                state = try await step(state) { try $0.advance($1) }
                extent.domains = state.domains
                report(extent)
            }
            result.extent = extent
            result.flaws = [state.flaw].compactMap(\.self)
        }
        result.flaws += beyond
        return result
    }

    private func read<Value: Sendable>(
        _ read: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        guard let lanes else { return try await reader.read(read) }
        return try await lanes.run(.walk) { () async -> Result<Value, any Error> in
            do {
                return .success(try await reader.read(read))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// One short read, and a turn for the others.
    private func step<Check: Sendable>(
        _ check: Check, _ advance: @escaping @Sendable (inout Check, Database) throws -> Void
    ) async throws -> Check {
        try Task.checkCancellation()
        let next = try await read { db in
            var check = check
            try advance(&check, db)
            return check
        }
        await Task.yield()
        return next
    }

    /// What lies beyond the head.
    private static func beyond(_ db: Database, _ schema: SchemaCheck) throws -> [Verification.Flaw]
    {
        let head = try Head.read(db)
        var flaws: [Verification.Flaw] = []
        for table in ["revision_log", "change_log"] + (schema.hasFacets ? ["revision_facet"] : []) {
            // By facet there's an index, by revision none: from each facet's end.
            let last =
                table == "revision_facet"
                ? try SQLiteLogScan(db: db).lastFaceted()
                : try Int64.fetchOne(db, sql: "SELECT max(revision) FROM \(table)")
            if let last, last > head.revision.number {
                flaws.append(
                    .init(
                        head.revision.next,
                        "\(table) goes on to revision \(last), beyond its head, revision \(head.revision)"
                    ))
            }
        }
        let last = try Int64.fetchOne(
            db, sql: "SELECT at FROM revision_log WHERE revision = ?",
            arguments: [head.revision.number])
        if let last, last > head.at.milliseconds {
            flaws.append(.init(head.revision, "the head's time is before that of its revision"))
        }
        return flaws
    }
}
