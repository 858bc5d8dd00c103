import ArgumentParser
import Foundation
import Hummingbird
import Logging
import NIOSSL
import RegistryHTTP
import RegistryModel
import RegistryService

/// What `serve` runs with, read and checked.
struct ServeOptions: Sendable {
    var listen: ListenAddress
    var opsListen: ListenAddress?
    var powerDNSListen: ListenAddress?
    /// Of the embedded store, and of the first admin token.
    var folder: URL
    var store = StoreChoice.embedded
    /// How long a start waits for a database that can't be reached.
    var storeWait = Duration.seconds(30)
    /// Whether a store that was put back under its old epoch begins the next one, instead of ending the start.
    var acceptsRewind = false
    var quarantine = Duration.seconds(90 * 24 * 60 * 60)
    var blastRadius = BlastRadius()
    /// Which waves need two people.
    var approval = ApprovalRule()
    /// How long an agent's word counts.
    var agentLease = Duration.seconds(60)
    var fence = FenceRule()
    var suffixes: [FQDN] = []
    /// Whether webhooks may go to this machine, and without TLS there.
    var allowsPlainWebhooks = false
    /// Which authorities the certificates of webhooks' receivers may come from; nil: the system's.
    var webhookTLS: TLSConfiguration?
    /// Of a name that is registered.
    var maximumNameBytes = FQDN.maximumBytes
    var reservedNames = NamePolicy.standardReserved
    var http = HTTPOptions()
    /// Threads that serve connections.
    var eventLoops = 1
    var logLevel = Logger.Level.info
    /// From "not ready" to the end of listening: for load balancers to look away.
    var drain = Duration.seconds(1)
    /// How long requests under way may take to end, after the drain.
    var shutdown = Duration.seconds(30)
    /// Of the embedded store; nil: somebody else makes them.
    var backups: BackupPlan?
    /// Nil: it's only verified when somebody asks.
    var verifyEvery: Duration?

    init(listen: ListenAddress, folder: URL) {
        self.listen = listen
        self.folder = folder
    }
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`, `*:8080`; or a Unix socket.
struct ListenAddress: Sendable, CustomStringConvertible {
    enum Place: Sendable {
        case host(String, port: Int)
        case unix(path: String)
    }

    let description: String
    let place: Place

    var bind: BindAddress {
        switch place {
        case .host(let host, let port): .hostname(host, port: port)
        case .unix(let path): .unixDomainSocket(path: path)
        }
    }

    /// - Throws: `CommandFailure.usage` where it isn't HOST:PORT, or means more than this machine can do.
    static func read(_ text: String, _ flag: String) throws -> ListenAddress {
        guard !text.hasPrefix("*:") || WildcardAddress.host != nil else {
            throw CommandFailure.usage(
                "--\(flag): here one socket can't take both IPv4 and IPv6 (net.ipv6.bindv6only); 0.0.0.0:PORT takes IPv4, [::]:PORT takes IPv6"
            )
        }
        guard let address = ListenAddress(text) else {
            throw CommandFailure.usage("--\(flag): HOST:PORT is expected, not \(text)")
        }
        return address
    }

    /// A Unix socket. `nil`: its path is longer than the system takes.
    init?(socket path: String) {
        guard !path.isEmpty, path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        else { return nil }
        description = path
        place = .unix(path: path)
    }

    /// `nil`: it isn't HOST:PORT.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon].trimmingPrefix("[")
        description = text
        guard host != "*" else {
            guard let every = WildcardAddress.host else { return nil }
            place = .host(every, port: Int(port))
            return
        }
        place = .host(
            host.hasSuffix("]") ? String(host.dropLast()) : String(host), port: Int(port))
    }
}

/// What `*` listens on: every address of this machine, of either family.
private enum WildcardAddress {
    /// A socket of IPv6 takes IPv4 as well, as Linux has it unless somebody has set it otherwise; without IPv6 there's
    /// only IPv4. `nil`: somebody has set it otherwise.
    static let host: String? = {
        let socket = Glibc.socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return "0.0.0.0" }
        defer { close(socket) }
        var isOnly: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &isOnly, &size) == 0 else {
            return "0.0.0.0"
        }
        return isOnly == 0 ? "::" : nil
    }()
}

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

    @Option(
        help:
            "Threads that serve connections, 1-1024. (default: serve: one for each core, agent: 1)")
    var eventLoops: Int?

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

    func loops(_ settings: Settings, default fallback: Int) throws -> Int {
        try settings.integer(eventLoops, "event-loops", default: fallback, in: 1...1024)
    }

    func shutdown(_ settings: Settings) throws -> Duration {
        .seconds(
            try settings.integer(shutdownSeconds, "shutdown-seconds", default: 30, in: 0...3_600))
    }

    func drain(_ settings: Settings) throws -> Duration {
        .seconds(try settings.integer(drainSeconds, "drain-seconds", default: 1, in: 0...600))
    }
}

/// The registry's URL, as `--server` and `--upstream` take it.
enum ServiceAddress {
    /// - Throws: `CommandFailure.usage` for what isn't one, without showing what could be a password.
    static func read(_ text: String, _ flag: String) throws -> URL {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.contains("@") else {
            throw CommandFailure.usage(
                "--\(flag): an http or https URL without user and password is expected; the access token is what says who asks"
            )
        }
        guard let url = URL(string: text), url.scheme == "http" || url.scheme == "https",
            url.host.map({ !$0.isEmpty }) ?? false, url.query == nil, url.fragment == nil
        else {
            throw CommandFailure.usage(
                "--\(flag): an http or https URL without ? and # is expected, not \(text)")
        }
        guard hasPossiblePort(text) else {
            throw CommandFailure.usage("--\(flag): a port from 1 to 65535 is expected in \(text)")
        }
        return url
    }

    /// `URL` takes a port of any length, and whoever connects traps on it.
    private static func hasPossiblePort(_ text: String) -> Bool {
        guard let start = text.range(of: "://")?.upperBound else { return false }
        let authority = text[start...].prefix { !"/?#".contains($0) }
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
            return true
        }
        let port = authority[colon...].dropFirst()
        return port.isEmpty || UInt16(port).map { $0 > 0 } ?? false
    }
}
