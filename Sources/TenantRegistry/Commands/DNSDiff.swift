import ArgumentParser
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
            """)

    @OptionGroup var zone: ZoneOptions
    @Option(help: "The zone's record sets, as the AWS command line prints them; - for stdin.")
    var route53: String?
    @Option(help: "The zone as a server has it, as a master file; - for stdin.")
    var nsupdate: String?
    @Option(
        help:
            "An address, a name, or ZONE-ID/NAME of an alias that a location had before. Repeatable."
    )
    var formerTarget: [String] = []
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard (route53 == nil) != (nsupdate == nil) else {
            throw ValidationError("One of --route53 and --nsupdate is expected.")
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
        // Before anything is asked.
        let served = try readServed()
        try await client.withClient { registry in
            let targets = try await registry.locations().compactMap(\.settings.dns)
            let exported = try await ExportedZone.read(zone, from: registry)
            let name = try zone.name()
            let known = KnownTargets(
                targets, former: formerTarget.compactMap { FormerTarget($0) })
            let compare = { (registered: Set<String>) in
                ZoneDifference(
                    zone: name, picture: exported.picture, base: exported.base, served: served,
                    targets: known, comparesBase: nsupdate != nil, registered: registered)
            }
            var difference = compare([])
            let registered = try await registered(
                Set(difference.unanswered).subtracting(exported.leftOut.map(\.name)), registry)
            if !registered.isEmpty { difference = compare(registered) }
            exported.sayLeftOut()
            say(difference)
            if nsupdate != nil {
                try printUpdates(difference, exported)
            } else {
                printBatches(difference, exported)
            }
        }
    }

    /// Those of the names that the registry has where the wildcard leads to.
    private func registered(
        _ names: Set<String>, _ registry: RegistryClient
    ) async throws -> Set<String> {
        var found: Set<String> = []
        for name in names.sorted() {
            do {
                let domain = try await registry.domain(name).value
                if domain.location.text == zone.defaultLocation { found.insert(name) }
            } catch ClientError.refused(let refusal) where refusal.status == 404 {
                continue
            }
        }
        return found
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

    private func printUpdates(_ difference: ZoneDifference, _ exported: ExportedZone) throws {
        if let pointed = exported.picture.first(where: { $0.isAlias }) {
            throw CommandFailure.usage(
                "\(pointed.name) leads to an alias, which only Route 53 has: give its location addresses or a name"
            )
        }
        let messages = UpdateMessages.messages(of: difference)
        for message in messages { StandardOutput.write(message) }
        summarize(difference, exported, "messages: \(messages.count)")
    }

    private func say(_ difference: ZoneDifference) {
        for left in difference.left {
            StandardError.write("left as it is: \(left.name) has the operator's \(left.type)\n")
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
