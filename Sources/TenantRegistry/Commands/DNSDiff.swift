import ArgumentParser
import DNSQueries
import NIOPosix
import RegistryAPI
import RegistryClient
import RegistryDNS
import RegistryModel

/// `tenant-registry dns diff`
struct DNSDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Print what makes a DNS server's zone the registry's picture.",
        discussion: """
            --route53 takes what `aws route53 list-resource-record-sets` prints, and prints change batches, one a line, each \
            for `aws route53 change-resource-record-sets --change-batch`. --nsupdate takes a master file, or what `dig AXFR` \
            prints, and prints what nsupdate and knsupdate read. Nothing is printed where nothing differs. In their order no \
            name is ever unanswered, or answered by anything but its record from before or after.

            The registry's are A, AAAA, CNAME and alias sets that lead to locations alone, now or as --former-target says, \
            and aren't in --base. Others are the operator's and never deleted; a name that one of them keeps is named on \
            stderr and left as it is, and the exit code is 0 all the same. With --nsupdate, what --base has is written too.

            --dns-server looks at nothing but what has changed since a revision that was published, and asks the server for what \
            it has there. It prints what --nsupdate does. The exit code is 1 where that can't be told so: then --nsupdate can. \
            With --state FILE the revision is read from FILE, and what is published when the messages are taken is written to \
            FILE.next, by --nsupdate too.
            """)

    @OptionGroup var zone: ZoneOptions
    @Option(help: "The zone's record sets, as the AWS command line prints them; - for stdin.")
    var route53: String?
    @Option(help: "The zone as a server has it, as a master file; - for stdin.")
    var nsupdate: String?
    @Option(help: "Whom to ask for what has changed: 127.0.0.1:53, [2001:db8::53]:53.")
    var dnsServer: String?
    @Option(help: "With --dns-server: the revision through which the server's zone is published.")
    var since: NamedRevision?
    @Option(help: "A file that says through which revision the server's zone is published.")
    var state: String?
    @Option(
        help:
            "An address, a name, or ZONE-ID/NAME of an alias that a location had before. Repeatable."
    )
    var formerTarget: [String] = []
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard [route53, nsupdate, dnsServer].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("One of --route53, --nsupdate and --dns-server is expected.")
        }
        if let dnsServer, NameServerAddress(dnsServer) == nil {
            throw ValidationError(
                "--dns-server: an address is expected, as 127.0.0.1:53 or [2001:db8::53]:53.")
        }
        guard dnsServer == nil ? since == nil : (since == nil) != (state == nil) else {
            throw ValidationError(
                "--dns-server, and nothing else, takes one of --since and --state.")
        }
        guard route53 == nil || state == nil else {
            throw ValidationError("--state is kept with --nsupdate and --dns-server.")
        }
        try zone.requireAll()
        guard [zone.base, route53, nsupdate].filter({ $0 == "-" }).count < 2 else {
            throw ValidationError("Standard input is one file.")
        }
        if let wrong = formerTarget.first(where: { FormerTarget($0) == nil }) {
            throw ValidationError("--former-target: \(wrong) is no address, name or alias.")
        }
    }

    func run() async throws {
        let base = try zone.baseBytes()
        if let server = dnsServer.flatMap({ NameServerAddress($0) }) {
            return try await askForChanges(server, base: base)
        }
        // Before anything is asked.
        let served = try readServed()
        try await client.withClient { registry in
            let known = try await knownTargets(registry)
            let exported = try await ExportedZone.read(zone, base: base, from: registry)
            let name = try zone.name()
            let leftOut = Set(exported.leftOut.map(\.name))
            let compare = { (registered: Set<String>) in
                ZoneDifference(
                    zone: name, picture: exported.picture, base: exported.base, served: served,
                    targets: known, comparesBase: nsupdate != nil, registered: registered,
                    leftOut: leftOut)
            }
            var difference = compare([])
            let registered = try await registered(
                Set(difference.unanswered).subtracting(leftOut), registry)
            if !registered.isEmpty { difference = compare(registered) }
            exported.sayLeftOut()
            say(difference)
            if nsupdate != nil {
                try printUpdates(difference, exported)
                try keep(exported, base: base)
            } else {
                printBatches(difference, exported)
            }
        }
    }

    /// What leads to locations, and what has led there as long as the log goes back.
    private func knownTargets(_ registry: RegistryClient) async throws -> KnownTargets {
        var targets = try await registry.locations().compactMap(\.settings.dns)
        do {
            try await registry.historyItems(
                of: nil, filter: [("action", Action.locationChanged.rawValue)]
            ) { item, _ in
                if let dns = item.before?.other?.dns { targets.append(dns) }
            }
        } catch ClientError.refused(let refusal) where refusal.status == 403 {
            // A token that may not read history: --former-target says it then.
        }
        return KnownTargets(targets, former: formerTarget.compactMap { FormerTarget($0) })
    }

    /// More than so many places aren't asked for: comparing all is as quick.
    private static let askedAtMost = 40_000

    /// What has changed since something was published, against what the server says of it.
    private func askForChanges(_ server: NameServerAddress, base: [UInt8]?) async throws {
        var since = since
        if let state {
            since = NamedRevision(
                try PublishedZone.read(state, zone, base: base).through.description)
        }
        guard let since else { return }
        try await client.withClient { registry in
            let exported = try await changes(since, base: base, registry)
            let known = try await knownTargets(registry)
            try refuseAliases(exported)
            let part = AskedZonePart(
                zone: try zone.name(), picture: exported.picture, base: exported.base,
                absent: exported.absent)
            let names = part.names
            guard names.count <= Self.askedAtMost else {
                throw CommandFailure.failed(
                    "\(names.count) names may have changed: compare the whole zone")
            }
            // It blocks its thread.
            let answers = try await NIOThreadPool.singleton.runIfActive {
                // A question that is lost would be most of the time that a wave takes to be published.
                try AskedNames.ask(
                    names,
                    NameServerQueries(server, timeout: .milliseconds(250), tries: 6))
            }
            let difference: ZoneDifference
            do throws(AskedZonePart.NeedsWhole) {
                difference = try part.difference(
                    answers, targets: known, leftOut: Set(exported.leftOut.map(\.name)))
            } catch {
                throw CommandFailure.failed("\(error): compare the whole zone")
            }
            exported.sayLeftOut()
            say(difference)
            try printUpdates(difference, exported)
            try keep(exported, base: base)
        }
    }

    private func changes(
        _ since: NamedRevision, base: [UInt8]?, _ registry: RegistryClient
    ) async throws -> ExportedZone {
        do {
            return try await ExportedZone.read(zone, base: base, since: since, from: registry)
        } catch ClientError.refused(let refusal) where refusal.status == 410 {
            throw CommandFailure.failed("\(refusal)")
        }
    }

    /// Says what is published when the messages are taken.
    private func keep(_ exported: ExportedZone, base: [UInt8]?) throws {
        guard let state, let position = exported.position else { return }
        try PublishedZone(zone, base: base, through: position).write(
            to: PublishedZone.next(state))
    }

    /// Those of the names that the registry has where the wildcard leads to.
    private func registered(
        _ names: Set<String>, _ registry: RegistryClient
    ) async throws -> Set<String> {
        guard !names.isEmpty else { return [] }
        let found = try await registry.locations(of: names.sorted())
        return Set(found.filter { $0.value.text == zone.defaultLocation }.keys)
    }

    private func readServed() throws -> [ServedSet] {
        let name = try zone.name()
        if let route53 {
            let bytes = try WholeFile.read(route53)
            do throws(Route53File.Malformed) {
                return try Route53File.read(bytes, zone: name)
            } catch {
                throw CommandFailure.usage("\(route53): \(error)")
            }
        }
        let path = nsupdate ?? "-"
        let bytes = try WholeFile.read(path)
        do throws(ServedZoneFile.Malformed) {
            return try ServedZoneFile.read(bytes, zone: name)
        } catch {
            throw CommandFailure.usage("\(path): \(error)")
        }
    }

    private func printBatches(_ difference: ZoneDifference, _ exported: ExportedZone) {
        let batches = Route53Batches.batches(of: difference)
        for line in Route53File.write(batches, through: exported.revision) {
            StandardOutput.write(line)
        }
        if difference.resultingCount > Route53Batches.recordSetsOfZone {
            StandardError.write(
                "the zone will have \(difference.resultingCount) record sets: Route 53 takes \(Route53Batches.recordSetsOfZone), unless AWS has raised the quota\n"
            )
        }
        let changes = batches.reduce(0) { $0 + $1.count }
        summarize(difference, exported, "changes: \(changes), in batches: \(batches.count)")
    }

    private func refuseAliases(_ exported: ExportedZone) throws {
        if let pointed = exported.picture.first(where: { $0.isAlias }) {
            throw CommandFailure.usage(
                "\(pointed.name) leads to an alias, which only Route 53 has: give its location addresses or a name"
            )
        }
    }

    private func printUpdates(_ difference: ZoneDifference, _ exported: ExportedZone) throws {
        try refuseAliases(exported)
        let messages = UpdateMessages.messages(of: difference)
        for message in messages { StandardOutput.write(message) }
        summarize(difference, exported, "messages: \(messages.count)")
    }

    private func say(_ difference: ZoneDifference) {
        for left in difference.left {
            StandardError.write("left as it is: \(left.name) has the operator's \(left.type)\n")
        }
        for name in difference.besideCNAME {
            StandardError.write(
                "as the wildcard has it: \(name.name) has the operator's \(name.type), beside which there can be no CNAME\n"
            )
        }
        for name in difference.keptInTree {
            StandardError.write(
                "kept: \(name): a record of the operator's that isn't in --base is at or below it, so the wildcard doesn't reach it\n"
            )
        }
    }

    private func summarize(
        _ difference: ZoneDifference, _ exported: ExportedZone, _ output: String
    ) {
        StandardError.write(
            "through revision \(exported.revision): \(output); names that differ: \(difference.changes.count), left as they are: \(difference.left.count); record sets that are neither the registry's nor in --base: \(difference.foreignCount)\n"
        )
    }
}

extension RecordSet {
    fileprivate var isAlias: Bool {
        if case .alias = data { true } else { false }
    }
}
