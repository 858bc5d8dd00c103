import Metrics
import RegistryModel

/// What is counted of deliveries, by the node that delivers; from the start at 0, so that a rule can watch it.
struct DeliveryMetrics: Sendable {
    private static let deliveries = "registry_webhook_deliveries_total"

    let delivered = Counter(label: deliveries, dimensions: [("result", "delivered")])
    let failed = Counter(label: deliveries, dimensions: [("result", "failed")])
    let givenUp = Counter(label: deliveries, dimensions: [("result", "given_up")])
    let disabled = Counter(label: deliveries, dimensions: [("result", "disabled")])
    private let webhooks = Gauge(label: "registry_webhooks")
    private let inactive = Gauge(label: "registry_webhooks_disabled")
    private let behind = Gauge(label: "registry_webhook_behind_revisions")
    private let failing = Gauge(label: "registry_webhook_failing_seconds")

    init() {
        note([], at: Timestamp(milliseconds: 0))
    }

    func note(_ standings: [WebhookStanding], at now: Timestamp) {
        webhooks.record(standings.count)
        inactive.record(standings.count { $0.record.progress.disabledAt != nil })
        behind.record(standings.map(\.behind).max() ?? 0)
        // One that has been given up on, with nothing left to tell, fails no more until there is something.
        let since = standings.filter { $0.behind > 0 }.compactMap(
            \.record.progress.failure?.since)
        failing.record(since.map { max(.zero, now.since($0)) / .seconds(1) }.max() ?? 0)
    }
}
