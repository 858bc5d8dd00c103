import ArgumentParser
import Logging
import RegistryHTTP

/// What `serve` and `agent` have in common: how a listener answers, logs and stops.
struct ServingFlags: ParsableArguments {
    @Option(
        help:
            "Cache-Control of answers to proxies. (default: max-age=1, stale-while-revalidate=5, stale-if-error=86400)"
    )
    var routeCacheControl: String?

    @Option(help: "Retry-After of domains that aren't served, in seconds, 1-86400. (default: 30)")
    var retryAfter: Int?

    @Option(help: "trace, debug, info, notice, warning, error, critical. (default: info)")
    var logLevel: String?

    @Option(help: "Open connections at most, 1-1000000. (default: 16384)")
    var maxConnections: Int?

    @Option(help: "Seconds between \"not ready\" and the end of listening, 0-600. (default: 1)")
    var drainSeconds: Int?

    @Option(
        help:
            "Seconds that requests under way may take to end after that, 0-3600; 5 more, and the process ends. (default: 30)"
    )
    var shutdownSeconds: Int?

    @Option(help: "A JSON file with any of these settings.")
    var config: String?

    func read(_ settings: Settings, into http: inout HTTPOptions) throws {
        if let value = try settings.text(routeCacheControl, "route-cache-control") {
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw CommandFailure.usage("--route-cache-control: printable ASCII is expected")
            }
            http.routeCacheControl = value
        }
        http.retryAfterSeconds = try settings.integer(
            retryAfter, "retry-after", default: 30, in: 1...86_400)
        http.limits.connections = try settings.integer(
            maxConnections, "max-connections", default: 16_384, in: 1...1_000_000)
    }

    func level(_ settings: Settings) throws -> Logger.Level {
        try settings.choice(logLevel, "log-level", default: .info)
    }

    func shutdown(_ settings: Settings) throws -> Duration {
        .seconds(
            try settings.integer(shutdownSeconds, "shutdown-seconds", default: 30, in: 0...3_600))
    }

    func drain(_ settings: Settings) throws -> Duration {
        .seconds(try settings.integer(drainSeconds, "drain-seconds", default: 1, in: 0...600))
    }
}
