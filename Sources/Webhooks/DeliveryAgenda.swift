import RegistryModel
import Synchronization

/// What the node that delivers knows of webhooks, and which of them are being told something now.
final class DeliveryAgenda: Sendable {
    private struct State {
        var records: [WebhookName: WebhookRecord] = [:]
        var underWay: Set<WebhookName> = []
        /// Up to where nothing is left to be told.
        var settled: [WebhookName: Revision] = [:]
        /// At how many changes of webhooks, and when, they were read last; nil: they have to be.
        var read: (changes: Int, at: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    /// How often they're read without a reason, for what is counted of them. Not where there are none.
    private static let interval = Duration.seconds(10)

    /// - Parameter changes: how often webhooks have changed.
    func isOutdated(_ changes: Int) -> Bool {
        state.withLock { state in
            guard let read = state.read, read.changes == changes else { return true }
            return !state.records.isEmpty && read.at.duration(to: .now) >= Self.interval
        }
    }

    /// - Parameter changes: as they were before the records were read.
    func take(_ records: [WebhookRecord], _ changes: Int) {
        state.withLock { state in
            state.records = Dictionary(uniqueKeysWithValues: records.map { ($0.webhook.name, $0) })
            state.settled = [:]
            state.read = (changes, .now)
        }
    }

    /// Another node has the duty.
    func forget() {
        state.withLock { state in
            (state.records, state.settled, state.read) = ([:], [:], nil)
        }
    }

    /// Those that may have to be told something: from now on they're under way.
    func begin(at head: Revision, _ now: Timestamp) -> [WebhookRecord] {
        state.withLock { state in
            let due = state.records.values.filter { record in
                let name = record.webhook.name
                let isWaiting =
                    record.progress.failure.map { !RetrySchedule.isDue($0.retryAt, at: now) }
                    ?? false
                return !state.underWay.contains(name) && record.progress.disabledAt == nil
                    && !isWaiting && state.settled[name] ?? .zero < head
            }
            state.underWay.formUnion(due.map(\.webhook.name))
            return due
        }
    }

    /// - Parameters:
    ///   - record: as it is now; nil: it has to be read again.
    ///   - settled: up to where nothing is left; nil: something may be.
    func end(_ name: WebhookName, _ record: WebhookRecord?, settled: Revision?) {
        state.withLock { state in
            state.underWay.remove(name)
            guard let record else {
                state.read = nil
                return
            }
            // Where it was read again meanwhile, that counts.
            guard let known = state.records[name],
                known.webhook.revision == record.webhook.revision,
                known.progress.through <= record.progress.through
            else { return }
            state.records[name] = record
            state.settled[name] = settled
        }
    }
}
