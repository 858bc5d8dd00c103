import ArgumentParser
import RegistryModel

/// `tenant-registry history`
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who changed what, when and why.", discussion: HistoryOptions.discussion)
    @OptionGroup var options: HistoryOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await options.run(of: nil, output.output, client)
    }
}

/// Which part of history, for all of it and for one domain's.
struct HistoryOptions: ParsableArguments {
    @Option(help: "Only what this token did, by its id.") var actor: String?
    @Option(help: "Only this action: registered, moved, updated, released, restored, …") var action:
        String?
    @Option(help: "Only this migration's.") var migration: String?
    @Option(help: "Only changes from or to this location.") var location: String?
    @Option(help: "From this time on, RFC 3339.") var since: String?
    @Option(help: "Before this time, RFC 3339.") var until: String?
    @Option(help: "desc, newest first, or asc. (default: desc)") var order: String?
    @Option(help: "Only revisions after this one.") var after: NamedRevision?
    @Option(
        help: "Stop after this many. (default: 100 in a table, 10 before --follow, all otherwise)")
    var limit: Int?
    @Flag(help: "Go on with what is written from now on, until interrupted.") var follow = false

    static let discussion = """
        A table has one line a change: when, what, on which name, from where to where, by whom, in \
        which wave, for which ticket, and why. json, ndjson and csv are what the service sends: every \
        field, as it was when the command began, of any size.
        """

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit: a number above 0 is expected") }
        guard follow else { return }
        if order != nil || until != nil || after != nil {
            throw ValidationError("--follow goes with neither --order, --until nor --after.")
        }
    }

    var filter: [(String, String?)] {
        [
            ("actor", actor), ("action", action), ("migration", migration), ("location", location),
            ("since", since), ("until", until),
        ]
    }

    func run(of fqdn: String?, _ format: OutputFormat, _ client: ClientOptions) async throws {
        guard !follow || format == .table || format == .ndjson else {
            throw CommandFailure.usage("--follow goes with --output table or ndjson")
        }
        try await client.withClient { registry in
            if follow {
                try await HistoryFollower(
                    registry: registry, fqdn: fqdn, filter: filter, format: format
                ).run(first: limit ?? 10)
            } else {
                let limit = limit ?? (format == .table ? 100 : nil)
                let query =
                    filter + [
                        ("order", order), ("after", after?.description),
                        ("limit", limit.map(String.init)),
                    ]
                try await HistoryPrinter(format: format).print(registry, of: fqdn, query)
            }
        }
    }
}
