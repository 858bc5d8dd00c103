import RegistryLedger
import RegistryModel

/// Checks a whole store: its schema against the migration files, its log against the digests in it, its tables against
/// the log.
///
/// Up to one head, in short reads: writers, lookups and checkpoints go on between them.
package struct StoreVerifier<Session: SQLSession> {
    private let noted: NotedDigest?
    private let pace: VerificationPace
    private let progress: @Sendable (VerificationProgress) -> Void
    private let reader: any VerifiedReader<Session>

    /// - Parameter reader: makes each of the short reads.
    package init(
        _ reader: some VerifiedReader<Session>, noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) {
        (self.reader, self.noted) = (reader, noted)
        (self.pace, self.progress) = (pace, progress)
    }

    /// - Parameter schema: what the engine has found of the schema.
    package func run(_ schema: VerifiedSchema) async throws -> Verification {
        let facets = schema.contents.hasFacets ? ["revision_facet"] : []
        let tables = ["revision_log", "change_log"] + facets
        let (head, beyond) = try await reader.read { session in
            let head = try Head.read(session)
            return (head, try Self.beyond(head, tables, session))
        }
        var extent = Verification.Extent()
        progress(VerificationProgress(extent: extent, head: head.revision))

        var chain = ChainCheck(
            through: head.revision, noted: noted, schema.contents)
        while !chain.isDone {
            chain = try await step(chain) { try $0.advance(LogScan(session: $1)) }
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
            var state = StateCheck(seeds: schema.locations, schema.contents)
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
        _ check: Check, _ advance: @escaping @Sendable (inout Check, Session) throws -> Void
    ) async throws -> Check {
        try Task.checkCancellation()
        let (next, spent) = try await reader.read { session in
            var check = check
            let spent = try ContinuousClock().measure { try advance(&check, session) }
            return (check, spent)
        }
        if pace.restShare > 0 {
            try await Task.sleep(for: spent * pace.restShare)
        } else {
            await Task.yield()
        }
        return next
    }

    /// What lies beyond the head.
    private static func beyond(
        _ head: Head, _ tables: [String], _ session: Session
    ) throws -> [Verification.Flaw] {
        var flaws: [Verification.Flaw] = []
        for table in tables {
            guard let last = try LogScan(session: session).last(of: table),
                last > head.revision.number
            else { continue }
            flaws.append(
                .init(
                    head.revision.next,
                    "\(table) goes on to revision \(last), beyond its head, revision \(head.revision)"
                ))
        }
        let last = try session.first(
            "SELECT at FROM revision_log WHERE revision = $1", [.number(head.revision.number)]
        ) { try $0.time(0) }
        if let last, last > head.at {
            flaws.append(.init(head.revision, "the head's time is before that of its revision"))
        }
        return flaws
    }
}

/// Makes the short reads of a check, each on one snapshot.
package protocol VerifiedReader<Session>: Sendable {
    associatedtype Session: SQLSession

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws -> Value
}

/// How a store's schema stands to the files that it was made by.
package struct VerifiedSchema: Sendable {
    package var flaws: [Verification.Flaw]
    /// What isn't the store's own, by kind and name: it's left alone.
    package var foreign: [String]
    /// The locations that the schema comes with.
    package var locations: [Location]
    package var contents: SchemaContents

    package init(
        flaws: [Verification.Flaw], foreign: [String], locations: [Location],
        contents: SchemaContents
    ) {
        (self.flaws, self.foreign) = (flaws, foreign)
        (self.locations, self.contents) = (locations, contents)
    }
}

/// What a store keeps, by the last of its schema's files: a stopped one, a backup for example, may be of an older release.
package struct SchemaContents: Sendable {
    package let version: Int

    package init(version: Int) {
        self.version = version
    }

    package var hasFacets: Bool { version >= 3 }
    package var hasTenants: Bool { version >= 10 }
    /// And approvals of waves.
    package var hasHolds: Bool { version >= 11 }
    package var hasFences: Bool { version >= 12 }
    /// Of locations, and serials of zones.
    package var hasDNS: Bool { version >= 13 }
    package var hasWebhooks: Bool { version >= 14 }

    /// Columns as this store has them.
    func columns(_ names: [String]) -> [String] {
        names.map { hasFences || !$0.hasSuffix("_fence") ? $0 : "NULL" }
    }
}
