import AsyncWaiting
import Metrics
import RegistryModel

extension RegistryService {
    /// Computes the digest chain anew and holds the current state against the log; one at a time.
    ///
    /// - Parameters:
    ///   - noted: a digest that was written down elsewhere.
    ///   - progress: called now and then, on any thread.
    /// - Throws: `verificationRunning` while another one is under way.
    public func verify(
        _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void = { _ in }
    ) async throws(RegistryError) -> Verification {
        guard verifications.turn.tryEnter() else { throw .verificationRunning }
        defer { verifications.turn.leave() }
        let result = try await store.verify(noted) { [verifications] step in
            verifications.note(step)
            progress(step)
        }
        verifications.note(result)
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

    func note(_ step: VerificationProgress) {
        revision.record(step.extent.revisions)
        changes.record(step.extent.changes)
    }

    func note(_ result: Verification) {
        isGood.record(result.isGood ? 1 : 0)
    }
}
