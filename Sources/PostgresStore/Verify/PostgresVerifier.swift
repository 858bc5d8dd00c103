import Logging
import RegistryLedger
import RegistryModel
import StoreCore

/// Checks a whole store: its schema against the migration files, its log against the digests in it, its
/// tables against the log. Up to one head, in short reads: writers go on between them.
struct PostgresVerifier {
    let store: PostgresStore
    let noted: NotedDigest?
    let progress: @Sendable (VerificationProgress) -> Void

    func run() async throws -> Verification {
        let schema = try await SchemaCheck(store)
        let (head, beyond) = try await store.reading(.walk) { connection in
            let head = try Head.read(connection)
            return (head, try Self.beyond(head, connection))
        }
        var extent = Verification.Extent()
        progress(VerificationProgress(extent: extent, head: head.revision))

        var chain = ChainCheck(through: head.revision, noted: noted, checksFacets: true)
        while !chain.isDone {
            chain = try await step(chain) { try $0.advance(PostgresLogScan(connection: $1)) }
            (extent.revisions, extent.changes) = (chain.revision, chain.changes)
            progress(VerificationProgress(extent: extent, head: head.revision))
        }
        var flaws: [Verification.Flaw] = []
        if let flaw = chain.flaw {
            flaws = [flaw]
        } else if chain.digest != head.digest {
            flaws = [.init(head.revision, "the head's digest isn't the log's")]
        } else {
            // What is now can only be held against a log that fits.
            var state = StateCheck(seeds: schema.locations)
            while !state.isDone {
                state = try await step(state) { try $0.advance($1) }
                extent.domains = state.domains
                progress(VerificationProgress(extent: extent, head: head.revision))
            }
            flaws = [state.flaw].compactMap(\.self)
        }
        var result = Verification(
            revision: head.revision, digest: head.digest, flaws: flaws + beyond + schema.flaws,
            extent: extent)
        result.foreign = schema.foreign
        return result
    }

    /// One short read, and a turn for the others.
    private func step<Check: Sendable>(
        _ check: Check,
        _ advance: @escaping @Sendable (inout Check, PostgresConnection) throws -> Void
    ) async throws -> Check {
        try Task.checkCancellation()
        return try await store.reading(.walk) { connection in
            var check = check
            try advance(&check, connection)
            return check
        }
    }

    /// What lies beyond the head.
    private static func beyond(
        _ head: Head, _ connection: PostgresConnection
    ) throws -> [Verification.Flaw] {
        var flaws: [Verification.Flaw] = []
        let rows = try connection.query(
            """
            SELECT (SELECT max(revision) FROM revision_log), (SELECT max(revision) FROM change_log),
                (SELECT max(last) FROM \(PostgresLogScan.facets) CROSS JOIN LATERAL (
                    SELECT max(revision) AS last FROM revision_facet f WHERE f.facet = known.facet)
                    AS of_facet),
                (SELECT at FROM revision_log WHERE revision = $1)
            """, [.number(head.revision.number)])
        for (column, table) in zip(0..., ["revision_log", "change_log", "revision_facet"]) {
            guard let last = try rows[0].numberIfPresent(column), last > head.revision.number else {
                continue
            }
            flaws.append(
                .init(
                    head.revision.next,
                    "\(table) goes on to revision \(last), beyond its head, revision \(head.revision)"
                ))
        }
        if let last = try rows[0].timeIfPresent(3), last > head.at {
            flaws.append(.init(head.revision, "the head's time is before that of its revision"))
        }
        return flaws
    }
}

extension PostgresStore {
    package func verify(
        _ noted: NotedDigest?, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        do {
            return try await PostgresVerifier(store: self, noted: noted, progress: progress).run()
        } catch {
            throw refusal(forRead: error)
        }
    }

    /// Checks a database that no node uses, and changes nothing in it.
    ///
    /// - Throws: `PostgresOpeningError` where it can't be opened, or holds no store.
    package static func verifyStopped(
        _ connection: ConnectionSettings, _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        var configuration = Configuration(
            connection: connection, quarantine: .zero, now: { Timestamp(milliseconds: 0) })
        configuration.readers = 1
        let store = PostgresStore(
            configuration, logger: Logger(label: "verify"), onCommit: { _ in })
        do {
            try await store.openSessions()
            let result = try await PostgresVerifier(
                store: store, noted: noted, progress: progress
            ).run()
            await store.close()
            return result
        } catch {
            await store.close()
            guard let failure = error as? RegistryError else { throw error }
            throw PostgresOpeningError.failed(failure.code)
        }
    }
}
