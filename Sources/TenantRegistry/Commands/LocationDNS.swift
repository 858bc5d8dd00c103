import ArgumentParser
import RegistryAPI
import RegistryModel

/// How the DNS leads to a location, as `tenant-registry locations set` takes it.
struct LocationDNSOptions: ParsableArguments {
    @Option(
        name: .customLong("dns-a"),
        help: ArgumentHelp(
            "An IPv4 address of the location, an option for each. Its IPv6 addresses stay.",
            valueName: "address"))
    var ipv4: [String] = []
    @Option(
        name: .customLong("dns-aaaa"),
        help: ArgumentHelp(
            "An IPv6 address of it, an option for each. Its IPv4 addresses stay.",
            valueName: "address"))
    var ipv6: [String] = []
    @Flag(name: .customLong("no-dns-a"), help: "It has no IPv4 address any more.")
    var withoutIPv4 = false
    @Flag(name: .customLong("no-dns-aaaa"), help: "It has no IPv6 address any more.")
    var withoutIPv6 = false
    @Option(
        name: .customLong("dns-cname"),
        help: ArgumentHelp("Another name that has its addresses.", valueName: "name"))
    var cname: String?
    @Option(
        name: .customLong("dns-alias"),
        help: ArgumentHelp(
            "What Route 53 answers with the addresses of: the target's own zone, and its name.",
            valueName: "zone-id/name"))
    var alias: String?
    @Flag(name: .customLong("no-dns"), help: "The DNS doesn't lead there any more.")
    var isCleared = false

    /// What is asked for, by itself.
    enum Request {
        /// Nil: those that are there stay.
        case addresses([IPv4Address]?, [IPv6Address]?)
        case whole(DNSChange)

        /// - Parameter current: what is there.
        func change(of current: DNSTargets?) throws -> DNSChange {
            switch self {
            case .whole(let change): return change
            case .addresses(let ipv4, let ipv6):
                var known: ([IPv4Address], [IPv6Address]) = ([], [])
                if case .addresses(let old4, let old6) = current { known = (old4, old6) }
                let all = (ipv4 ?? known.0, ipv6 ?? known.1)
                guard let targets = DNSTargets.addresses(sorting: all.0, all.1) else {
                    throw CommandFailure.usage(
                        all.0.isEmpty && all.1.isEmpty
                            ? "no address would be left; --no-dns takes all of it away"
                            : "at most \(DNSTargets.maximumAddresses) addresses of a family are allowed"
                    )
                }
                return .set(targets)
            }
        }
    }

    /// - Returns: nil where nothing is given: what is there stays.
    func read() throws -> Request? {
        let hasAddresses = !ipv4.isEmpty || !ipv6.isEmpty || withoutIPv4 || withoutIPv6
        let forms = [hasAddresses, cname != nil, alias != nil, isCleared].count { $0 }
        guard forms <= 1 else {
            throw CommandFailure.usage(
                "--dns-a and --dns-aaaa, --dns-cname, --dns-alias, --no-dns: only one of them can be meant"
            )
        }
        guard !(withoutIPv4 && !ipv4.isEmpty), !(withoutIPv6 && !ipv6.isEmpty) else {
            throw CommandFailure.usage("addresses of a family can't be both given and taken away")
        }
        if hasAddresses { return .addresses(try addresses4(), try addresses6()) }
        if isCleared { return .whole(.clear) }
        if let cname { return .whole(.set(.cname(try name(cname, of: "--dns-cname")))) }
        guard let alias else { return nil }
        return .whole(.set(.alias(try target(alias))))
    }

    private func addresses4() throws -> [IPv4Address]? {
        if withoutIPv4 { return [] }
        return ipv4.isEmpty
            ? nil
            : try ipv4.map { text in
                guard let address = IPv4Address(text) else {
                    throw CommandFailure.usage("--dns-a: \(text) isn't an IPv4 address")
                }
                return address
            }
    }

    private func addresses6() throws -> [IPv6Address]? {
        if withoutIPv6 { return [] }
        return ipv6.isEmpty
            ? nil
            : try ipv6.map { text in
                guard let address = IPv6Address(text) else {
                    throw CommandFailure.usage("--dns-aaaa: \(text) isn't an IPv6 address")
                }
                return address
            }
    }

    private func name(_ text: some StringProtocol, of option: String) throws -> FQDN {
        do throws(FQDN.Malformed) {
            return try FQDN(text)
        } catch {
            throw CommandFailure.usage("\(option): \(text): \(error.explanation)")
        }
    }

    private func target(_ text: String) throws -> Route53Alias {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw CommandFailure.usage(
                "--dns-alias: ZONE-ID/NAME is expected, Z35SXDOTRQ7X7K/lb.example.net for example")
        }
        let name = try name(parts[1], of: "--dns-alias")
        guard let alias = Route53Alias(hostedZoneID: String(parts[0]), name: name) else {
            throw CommandFailure.usage(
                "--dns-alias: a zone's id has 1 to 32 capitals and digits, not “\(parts[0])”")
        }
        return alias
    }
}
