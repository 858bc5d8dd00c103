import AsyncWaiting
import Metrics
import RegistryModel
import RoutingTable

extension RegistryService {
    public func history(_ query: HistoryQuery) async throws(RegistryError) -> Read<
        Page<HistoryItem>
    > {
        try await store.history(query)
    }

    /// A domain that was ever known has a history, whatever a filter leaves of it.
    /// - Throws: `unknownDomain` for any other; nothing where `fqdn` is nil.
    public func checkHasHistory(_ fqdn: FQDN?) async throws(RegistryError) {
        guard let fqdn else { return }
        let any = try await store.history(HistoryQuery(fqdn: fqdn, limit: 1))
        if any.value.items.isEmpty { throw .unknownDomain(fqdn) }
    }

    /// Where the log ends, and the digest that vouches for all of it.
    public func head() async throws(RegistryError) -> Head {
        try await store.head()
    }
}

extension RegistryService {
    /// Computes the digest chain anew and holds the current state against the log; one at a time.
    ///
    /// - Parameters:
    ///   - noted: a digest that was written down elsewhere.
    ///   - pace: how much of the time it takes for itself.
    ///   - progress: called now and then, on any thread.
    /// - Throws: `verificationRunning` while another one is under way.
    public func verify(
        _ noted: NotedDigest?, pace: VerificationPace = .full,
        progress: @escaping @Sendable (VerificationProgress) -> Void = { _ in }
    ) async throws(RegistryError) -> Verification {
        guard verifications.turn.tryEnter() else { throw .verificationRunning }
        defer { verifications.turn.leave() }
        let result = try await store.verify(noted, pace: pace) { [verifications] step in
            verifications.note(step)
            progress(step)
        }
        verifications.note(result, at: now())
        return result
    }
}

extension RegistryService {
    /// For an answer that begins before its check does.
    /// - Throws: `verificationRunning` while one is under way.
    public func checkNoVerificationRuns() throws(RegistryError) {
        guard verifications.turn.running == 0 else { throw .verificationRunning }
    }
}

/// Lets one check at a time run, and tells the metrics how far it is: a check reads the whole log, and
/// several at once would only take each other's time and everybody's reader connections.
final class Verifications: Sendable {
    let turn = AsyncLock()
    private let revision = Gauge(label: "registry_verification_revision")
    private let changes = Gauge(label: "registry_verification_changes")
    private let isGood = Gauge(label: "registry_verification_ok")
    private let ended = Gauge(label: "registry_verification_timestamp_seconds")

    func note(_ step: VerificationProgress) {
        revision.record(step.extent.revisions)
        changes.record(step.extent.changes)
    }

    func note(_ result: Verification, at now: Timestamp) {
        isGood.record(result.isGood ? 1 : 0)
        ended.record(now.milliseconds / 1_000)
    }
}

extension RegistryService {
    /// What the domains of a snapshot come to, and the position to read them at.
    public func snapshot() throws(RegistryError) -> (position: Position, summary: TableSummary) {
        let read = try table.summary()
        var position = try self.position()
        position.revision = read.revision
        return (position, read.value)
    }

    /// What every copy of the table has at its revision, for comparing.
    public func digest() throws(RegistryError) -> Read<TableDigest> {
        let read = try table.digest()
        return Read(read.value.0, at: read.revision)
    }

    /// Some of the domains as of a revision, by name.
    public func snapshotPage(
        after name: FQDN?, at revision: Revision, limit: Int
    ) async throws(RegistryError) -> Page<Domain> {
        try await store.domains(DomainQuery(after: name, limit: limit), at: revision)
    }
}

extension RegistryService {
    /// A copy of everything at one revision.
    public func backup(_ context: WriteContext) async throws(RegistryError) -> StoreCopy {
        let copy = try await store.backup()
        logger.notice(
            "a backup was made",
            metadata: [
                "actor": "\(context.actor.token)", "request_id": "\(context.requestID)",
                "revision": "\(copy.head.revision)", "bytes": "\(copy.byteCount)",
            ])
        return copy
    }
}
