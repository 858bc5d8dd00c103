import CoreMetrics
import Logging

package final class PrometheusRegistry: MetricsFactory, Sendable {
    package init(help: [String: String], buckets: [String: [Double]]) {}
    package func register(_ collector: @escaping @Sendable () -> Void) {}
    package func render() -> String { "" }
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        NOOPMetricsHandler.instance
    }
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool)
        -> any RecorderHandler
    { NOOPMetricsHandler.instance }
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        NOOPMetricsHandler.instance
    }
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
package func JSONLogHandler(label: String) -> StreamLogHandler {
    StreamLogHandler.standardError(label: label)
}
