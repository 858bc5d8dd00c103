import Metrics
import RegistryModel
import Synchronization

/// What is told of webhooks, each by its name: whoever is called has to know which receiver it's about.
///
/// A webhook has its series at every node, from when the node knows of it until it's deleted. Counters begin at 0 before anything is
/// counted, so that a rule sees the first one, also where another node has just taken over. The gauges are the node's that delivers,
/// and 0 at the others.
final class DeliveryMetrics: Sendable {
    enum Outcome: String, CaseIterable {
        case delivered
        /// It's tried again.
        case failed
        case givenUp = "given_up"
        /// The receiver has answered 410.
        case disabled
    }

    private struct Series {
        let outcomes: [Outcome: Counter]
        let behind: Gauge
        let waiting: Gauge
        let failing: Gauge
        let disabled: Gauge

        init(_ name: WebhookName, _ factory: any MetricsFactory) {
            let label = ("webhook", name.text)
            func gauge(_ what: String) -> Gauge {
                Gauge(label: "registry_webhook_\(what)", dimensions: [label], factory: factory)
            }
            let counters = Outcome.allCases.map { outcome in
                let counter = Counter(
                    label: "registry_webhook_deliveries_total",
                    dimensions: [label, ("result", outcome.rawValue)], factory: factory)
                return (outcome, counter)
            }
            outcomes = Dictionary(uniqueKeysWithValues: counters)
            behind = gauge("behind_revisions")
            waiting = gauge("waiting_seconds")
            failing = gauge("failing_seconds")
            disabled = gauge("disabled")
            rest()
        }

        private var gauges: [Gauge] { [behind, waiting, failing, disabled] }

        func rest() { for gauge in gauges { gauge.record(0) } }

        func destroy() {
            for counter in outcomes.values { counter.destroy() }
            for gauge in gauges { gauge.destroy() }
        }

        func note(_ standing: WebhookStanding, at now: Timestamp) {
            let progress = standing.record.progress
            behind.record(standing.behind)
            waiting.record(Self.seconds(since: standing.waitingSince, now))
            // One that has been given up on, with nothing left to tell, fails no more until there is something.
            let since = standing.behind > 0 ? progress.failure?.since : nil
            failing.record(Self.seconds(since: since, now))
            disabled.record(progress.disabledAt == nil ? 0 : 1)
        }

        private static func seconds(since: Timestamp?, _ now: Timestamp) -> Double {
            since.map { max(.zero, now.since($0)) / .seconds(1) } ?? 0
        }
    }

    private struct State {
        var series: [WebhookName: Series] = [:]
        /// At how many changes of webhooks their names were read last; nil: they haven't been.
        var changes: Int?
    }

    private let factory: any MetricsFactory
    private let count: Gauge
    private let state = Mutex(State())

    init(_ factory: any MetricsFactory) {
        self.factory = factory
        count = Gauge(label: "registry_webhooks", factory: factory)
        count.record(0)
    }

    /// - Parameter changes: how often webhooks have changed.
    func isOutdated(_ changes: Int) -> Bool {
        state.withLock { $0.changes != changes }
    }

    /// Gives each webhook its series, and takes away those of webhooks that are gone.
    ///
    /// - Parameters:
    ///   - standings: of all webhooks.
    ///   - changes: as they were before these were read.
    func know(_ standings: [WebhookStanding], _ changes: Int) {
        let names = Set(standings.map(\.record.webhook.name))
        state.withLock { state in
            for (name, series) in state.series where !names.contains(name) {
                series.destroy()
                state.series[name] = nil
            }
            for name in names where state.series[name] == nil {
                state.series[name] = Series(name, factory)
            }
            state.changes = changes
        }
    }

    /// This node delivers, and has read how far they all are.
    func note(_ standings: [WebhookStanding], _ changes: Int, at now: Timestamp) {
        know(standings, changes)
        count.record(standings.count)
        state.withLock { state in
            for standing in standings {
                state.series[standing.record.webhook.name]?.note(standing, at: now)
            }
        }
    }

    /// Another node delivers.
    func rest() {
        count.record(0)
        state.withLock { state in
            for series in state.series.values { series.rest() }
        }
    }

    /// What a webhook that was deleted meanwhile has still been sent isn't counted.
    func add(_ outcome: Outcome, _ name: WebhookName, _ number: Int = 1) {
        state.withLock { $0.series[name]?.outcomes[outcome]?.increment(by: number) }
    }
}
