import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

extension Domains {
    /// `tenant-registry domains explain HOST`
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What the registry makes of a host, and why.",
            discussion: """
                Takes a host as a visitor or a proxy sends it, port and capitals and all, and shows \
                its normal form, the rule that applies or that it breaks, and what is known of it. \
                What your token may not see is left out, and said on stderr.
                """)
        @Argument(help: "The host, as it came.") var host: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            var facts = HostFacts(input: host)
            if let fqdn = facts.fqdn {
                try await client.withClient { try await facts.ask($0, about: fqdn) }
            }
            facts.print(output.output)
        }
    }
}

/// What is found out about a host, in the order in which it is shown.
private struct HostFacts {
    private var facts: [(name: String, cell: Cell)] = []
    /// The normal form; nil where the input is no name.
    private(set) var fqdn: String?

    init(input: String) {
        add("input", input)
        let name = Self.withoutPort(input)
        if name.count < input.count { add("without_port", String(name)) }
        do throws(FQDN.Malformed) {
            let fqdn = try FQDN(name)
            self.fqdn = fqdn.text
            add("fqdn", fqdn.text)
        } catch {
            add("rule", "malformed: \(error.explanation); lookups and proxies call it unknown")
        }
    }

    /// A port is digits, or nothing, after the last colon, as for proxies.
    private static func withoutPort(_ host: String) -> Substring {
        guard let colon = host.lastIndex(of: ":") else { return host[...] }
        let port = host[colon...].dropFirst()
        return port.allSatisfy { $0.isASCII && $0.isNumber } ? host[..<colon] : host[...]
    }

    private mutating func add(_ name: String, _ text: String?) {
        guard let text else { return }
        facts.append((name, .text(text)))
    }

    mutating func ask(_ registry: RegistryClient, about fqdn: String) async throws {
        let domain = try await Self.known { try await registry.domain(fqdn).value }
        let availability = try await Self.allowed("whether a signup could have it") {
            try await registry.availability(of: fqdn)
        }
        add("rule", Self.rule(domain, availability))
        add("available", availability.map { $0.isAvailable ? "yes" : "no" })
        if let domain {
            for field in Domain.fields where field.name != "fqdn" {
                guard let cell = field.cell?(domain), !cell.isAbsent else { continue }
                facts.append((field.name, cell))
            }
        }
        let last = try await Self.allowed("who changed it last") {
            try await Self.known { try await Self.lastChange(registry, fqdn) }
        }
        guard let last = last ?? nil else { return }
        add("last_action", last.action)
        add("last_at", last.at.description)
        add("last_by", "\(last.actor.name) (\(last.actor.role), token \(last.actor.token))")
        add("last_reason", last.reason)
        add("last_ticket", last.ticket)
        add("migration", last.migration)
        add("last_change", HistoryLine(last).text)
    }

    /// The one rule that decides what the host is now.
    private static func rule(
        _ domain: Domain?, _ availability: AvailabilityResponse?
    ) -> String? {
        if let domain {
            return "registered: proxies get \(domain.location), \(domain.mode.rawValue)"
        }
        guard let availability else { return "unknown to lookups and proxies" }
        return switch availability.code {
        case nil: "unknown; a signup may have it"
        case "domain-reserved": "reserved: its first label or name is on the list of reserved names"
        case "domain-outside-suffix": "outside: signups must lie below another parent"
        case "domain-quarantined":
            "released: its name rests until \(availability.availableAt?.description ?? "later"); restore brings it back"
        case "domain-held":
            "held: unknown to proxies, and nobody else's until \(availability.availableAt?.description ?? "later")"
        case "location-closed": "unknown; the default location takes no signups now"
        case let code?: "unknown; a signup is refused: \(code)"
        }
    }

    private static func lastChange(
        _ registry: RegistryClient, _ fqdn: String
    ) async throws -> HistoryEntry? {
        var last: HistoryEntry?
        try await registry.historyItems(of: fqdn, filter: [("limit", "1")]) { item, _ in last = item
        }
        return last
    }

    /// - Returns: nil where the registry doesn't know the name.
    private static func known<Value>(_ ask: () async throws -> Value?) async throws -> Value? {
        do {
            return try await ask()
        } catch ClientError.refused(let refusal) where refusal.code == "unknown-domain" {
            return nil
        }
    }

    /// - Returns: nil where the token's role doesn't reach so far.
    private static func allowed<Value>(
        _ what: String, _ ask: () async throws -> Value
    ) async throws -> Value? {
        do {
            return try await ask()
        } catch ClientError.refused(let refusal)
            where refusal.code == "forbidden" || refusal.code == "unauthenticated"
        {
            StandardError.write("not shown: \(what) (\(refusal.code ?? "refused"))\n")
            return nil
        }
    }

    func print(_ format: OutputFormat) {
        guard format == .table else {
            var listing = Listing(facts.map(\.name))
            listing.add(facts.map(\.cell))
            return listing.print(format)
        }
        let width = facts.map(\.name.count).max() ?? 0
        for (name, cell) in facts {
            let label = name.padding(toLength: width, withPad: " ", startingAt: 0)
            StandardOutput.write("\(label)  \(Listing.printable(cell.plain))\n")
        }
    }
}
