import ArgumentParser
import Foundation
import Logging
import RegistryModel

/// `tenant-registry serve`
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service.",
        discussion: """
            The first start on an empty data folder makes one admin token and writes it to \
            <data-dir>/admin-token; the command line on the same machine finds it there.
            """)

    @Option(
        help:
            "Where to listen: HOST:PORT, * for every address, port 0 for any free one. (default: 127.0.0.1:8080)"
    )
    var listen: String?

    @Option(help: "A port of its own for /livez, /readyz and /metrics, without tokens.")
    var opsListen: String?

    @Option(
        help: ArgumentHelp(
            "A zone that PowerDNS' remote backend may ask for, ZONE=LOCATION. Repeatable.",
            discussion: "LOCATION is where the zone's wildcard leads."))
    var dnsZone: [String] = []

    @Option(
        help: ArgumentHelp(
            "A master file with a zone's records that aren't tenants': FILE, or ZONE=FILE. Repeatable.",
            discussion: "It's read at the start."))
    var dnsBase: [String] = []

    @Option(help: "Seconds that the records of --dns-zone may be kept, 0-604800. (default: 60)")
    var dnsTTL: Int?

    @Option(help: "A port of its own for PowerDNS, without tokens; needs --dns-zone.")
    var powerdnsListen: String?

    @Option(help: "The folder of the embedded store, and of the first admin token. (default: data)")
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL database, postgres://USER@HOST/NAME, in place of the embedded store.",
            discussion: "With libpq's settings: several hosts, ?sslmode=verify-full and so on."))
    var store: String?

    @Option(
        help:
            "A file with the database's password. Or TENANT_REGISTRY_STORE_PASSWORD, or libpq's own ways."
    )
    var storePasswordFile: String?

    @Option(help: "Seconds to wait at the start for a database, 0-3600. (default: 30)")
    var storeWait: Int?

    @Flag(
        help: ArgumentHelp(
            "Go on with a store that was put back, under a new epoch.",
            discussion: """
                For one start. A store that lacks revisions which an agent or this node has seen ends the start \
                otherwise. Where nothing is wrong it changes nothing.
                """))
    var acceptRewind = false

    @Option(
        help: ArgumentHelp(
            "A folder to keep backups of the embedded store in.",
            discussion: "It has to be there, outside of the data folder, best on another disk."))
    var backupTo: String?

    @Option(help: "Time from one backup to the next, as 1h, 30m, 1d. (default: 1h)")
    var backupEvery: String?

    @Option(help: "Backups that are kept there, the newest ones, 1-100000. (default: 24)")
    var keep: Int?

    @Option(
        help:
            "Time from one check of the whole store to the next, as 24h, 7d; in the background. (default: none)"
    )
    var verifyEvery: String?

    @Flag(help: "Let requests without a token read: for proxies on a private network.")
    var anonymousReads = false

    @Option(help: "Days before a released name can be registered again, 0-36500. (default: 90)")
    var quarantineDays: Int?

    @Option(
        help: "Domains in one wave, unless an admin overrides, 1-100000000. (default: 100000)")
    var maxWaveDomains: Int?

    @Option(
        help:
            "Domains that a wave must leave at its source, unless an admin overrides. (default: 0)")
    var minRemaining: Int?

    @Option(
        help: ArgumentHelp(
            "Domains in a wave above which another token than the planner's must approve it, 0-1000000. (default: off)",
            discussion: "With several nodes on one database: the same at each of them."))
    var approveAbove: Int?

    @Option(
        help:
            "Seconds after which an agent that says nothing counts as lagging, 1-86400. (default: 60)"
    )
    var agentLease: Int?

    @Option(
        help: ArgumentHelp(
            "Seconds for which an agent that isn't answered lets writes through to announced domains, 1-3600. (default: 20)",
            discussion: "With several nodes on one database: the same at each of them."))
    var fenceAfter: Int?

    @Option(help: "A parent below which signups must lie. Repeatable. (default: any)")
    var suffix: [String] = []

    @Option(help: "Bytes in a name that is registered, 4-253. (default: 253)")
    var maxNameOctets: Int?

    @Flag(
        help: ArgumentHelp(
            "Let webhooks go to receivers on this machine, and over http there.",
            discussion: "With several nodes on one database: the same at each of them."))
    var allowPlainWebhooks = false

    @Option(
        help:
            "A PEM file of the authorities that webhooks' receivers have their certificates of. (default: SSL_CERT_FILE, SSL_CERT_DIR, the system's)"
    )
    var webhookCaFile: String?

    @Option(help: "A file that replaces the list of reserved names: one a line.")
    var reservedNames: String?

    @Option(help: "Which requests to log: all, writes, off. (default: writes)")
    var accessLog: String?

    @Option(
        help:
            "Writes under way at most, and as many reads of the store; lookups don't count. (default: 1024)"
    )
    var maxRequests: Int?

    @Option(help: "Streamed answers at most, 1-1000000. (default: 64)")
    var maxStreams: Int?

    @Option(help: "MiB of large request bodies in memory at once, 1-1048576. (default: 256)")
    var maxBodyMemory: Int?

    @OptionGroup var serving: ServingFlags

    func run() async throws {
        try ProcessTitle.hidePassword(in: store)
        let settings = try await Settings(file: serving.config)
        try await RunningService.run(options(settings))
    }

    private func options(_ settings: Settings) throws -> ServeOptions {
        var options = ServeOptions(
            listen: try ListenAddress.read(
                settings.text(listen, "listen", default: "127.0.0.1:8080"), "listen"),
            folder: URL(
                fileURLWithPath: try settings.text(dataDir, "data-dir", default: "data"),
                isDirectory: true))
        options.store = try StoreChoice.read(
            settings, store, passwordFile: storePasswordFile)
        options.storeWait = .seconds(
            try settings.integer(storeWait, "store-wait", default: 30, in: 0...3_600))
        options.acceptsRewind = try settings.bool(acceptRewind, "accept-rewind")
        options.opsListen = try settings.text(opsListen, "ops-listen").map {
            try ListenAddress.read($0, "ops-listen")
        }
        options.http.zones = try LiveZoneSettings.read(
            zones: settings.list(dnsZone, "dns-zone"), bases: settings.list(dnsBase, "dns-base"),
            ttl: settings.integer(dnsTTL, "dns-ttl", default: 60, in: 0...604_800))
        options.powerDNSListen = try settings.text(powerdnsListen, "powerdns-listen").map {
            guard !options.http.zones.isEmpty else {
                throw CommandFailure.usage(
                    "--powerdns-listen: there is no --dns-zone to answer for")
            }
            return try ListenAddress.read($0, "powerdns-listen")
        }
        let days = try settings.integer(
            quarantineDays, "quarantine-days", default: 90, in: 0...36_500)
        options.quarantine = .seconds(days * 24 * 60 * 60)
        options.blastRadius = BlastRadius(
            maximumWave: try settings.integer(
                maxWaveDomains, "max-wave-domains", default: 100_000, in: 1...100_000_000),
            minimumRemaining: try settings.integer(
                minRemaining, "min-remaining", default: 0, in: 0...100_000_000))
        options.approval = ApprovalRule(
            above: try settings.integer(approveAbove, "approve-above", in: 0...1_000_000))
        options.agentLease = .seconds(
            try settings.integer(agentLease, "agent-lease", default: 60, in: 1...86_400))
        options.fence = FenceRule(
            after: .seconds(
                try settings.integer(fenceAfter, "fence-after", default: 20, in: 1...3_600)))
        options.suffixes = try settings.list(suffix, "suffix").map { text in
            // A parent may be a single label, which is no tenant's name.
            guard let name = try? FQDN(text) else {
                throw CommandFailure.usage(
                    "--suffix: \(text) isn't a domain name of two labels or more")
            }
            return name
        }
        options.maximumNameBytes = try settings.integer(
            maxNameOctets, "max-name-octets", default: FQDN.maximumBytes,
            in: 4...FQDN.maximumBytes)
        options.allowsPlainWebhooks = try settings.bool(
            allowPlainWebhooks, "allow-plain-webhooks")
        options.webhookTLS = try TrustedAuthorities.ofReceivers(webhookCaFile, settings)
        if let path = try settings.text(reservedNames, "reserved-names") {
            guard let list = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw CommandFailure.usage("--reserved-names: \(path) can't be read as UTF-8 text")
            }
            options.reservedNames = list
        }
        options.http.allowsAnonymousReads = try settings.bool(anonymousReads, "anonymous-reads")
        try serving.read(settings, into: &options.http)
        options.http.accessLog = try settings.choice(
            accessLog, "access-log", default: .writes)
        options.logLevel = try serving.level(settings)
        options.http.load.requests = try settings.integer(
            maxRequests, "max-requests", default: 1024, in: 1...1_000_000)
        options.http.load.streams = try settings.integer(
            maxStreams, "max-streams", default: 64, in: 1...1_000_000)
        options.http.load.bodyBytes =
            try settings.integer(maxBodyMemory, "max-body-memory", default: 256, in: 1...1_048_576)
            << 20
        options.eventLoops = try serving.loops(
            settings, default: ProcessInfo.processInfo.activeProcessorCount)
        options.backups = try backups(settings, options)
        options.verifyEvery = try span(settings, verifyEvery, "verify-every")
        options.drain = try serving.drain(settings)
        options.shutdown = try serving.shutdown(settings)
        return options
    }

    private func backups(_ settings: Settings, _ options: ServeOptions) throws -> BackupPlan? {
        let interval = try span(settings, backupEvery, "backup-every") ?? .seconds(3_600)
        let keep = try settings.integer(keep, "keep", default: 24, in: 1...100_000)
        guard let path = try settings.text(backupTo, "backup-to") else {
            guard backupEvery == nil, self.keep == nil else {
                throw CommandFailure.usage(
                    "--backup-every and --keep say nothing without --backup-to")
            }
            return nil
        }
        guard case .embedded = options.store else {
            throw CommandFailure.usage(
                "--backup-to: a PostgreSQL database is backed up by its own tools, pg_basebackup or pg_dump, or by whoever runs it"
            )
        }
        return BackupPlan(
            place: try BackupPlace(path, dataFolder: options.folder), interval: interval,
            keep: keep)
    }

    /// - Returns: nil where nobody says.
    private func span(_ settings: Settings, _ flag: String?, _ name: String) throws -> Duration? {
        guard let text = try settings.text(flag, name) else { return nil }
        guard let span = TimeSpan(argument: text), span.seconds > 0 else {
            throw CommandFailure.usage(
                "--\(name): a time is expected, as 90s, 15m, 2h or 1d, not \(text)")
        }
        return span.duration
    }
}
