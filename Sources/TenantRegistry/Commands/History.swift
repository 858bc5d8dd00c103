import ArgumentParser
import RegistryClient
import RegistryWire

/// `tenant-registry history`
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Who changed what, when and why.")
    @OptionGroup var filter: HistoryFilter
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { try await filter.show($0, of: nil, output) }
    }
}

/// Which part of history, for all of it and for one domain's.
struct HistoryFilter: ParsableArguments {
    @Option(help: "Only what this token did, by its id.") var actor: String?
    @Option(help: "Only this action: registered, moved, updated, released, restored, …") var action:
        String?
    @Option(help: "Only this migration's.") var migration: String?
    @Option(help: "Only changes from or to this location.") var location: String?
    @Option(help: "From this time on, RFC 3339.") var since: String?
    @Option(help: "Before this time, RFC 3339.") var until: String?
    @Option(help: "desc, newest first, or asc.") var order: String = "desc"
    @Option(help: "Stop after this many.") var limit: Int = 100

    func show(_ registry: RegistryClient, of fqdn: String?, _ output: OutputOptions) async throws {
        guard limit > 0 else { throw CommandFailure.usage("--limit: a number above 0 is expected") }
        let filter = [
            ("actor", actor), ("action", action), ("migration", migration), ("location", location),
            ("since", since), ("until", until), ("order", order),
        ]
        var listing = Listing([
            "revision", "at", "action", "subject", "before", "after", "by", "reason", "ticket",
        ])
        var rest = limit
        var cursor: String?
        repeat {
            let page = try await registry.history(
                of: fqdn, filter: filter, limit: min(rest, 1000), cursor: cursor)
            for item in page.items { listing.add(Self.cells(item)) }
            rest -= page.items.count
            cursor = page.nextCursor
        } while cursor != nil && rest > 0
        listing.print(output.output)
    }

    private static func cells(_ item: HistoryResource) -> [Listing.Cell] {
        [
            .number(item.revision), .text(item.at), .text(item.action),
            Listing.Cell(item.fqdn ?? item.subject), Listing.Cell(item.before.map(summary)),
            Listing.Cell(item.after.map(summary)), .text(item.actor.name),
            Listing.Cell(item.reason),
            Listing.Cell(item.ticket),
        ]
    }

    /// `aws`, `aws read_only`, `admin ops-laptop`, `2020-q2 japan→aws running`: what a person wants to see of a state.
    private static func summary(_ state: HistoryResource.State) -> String {
        let parts = [
            state.location, state.mode.flatMap { $0 == "serve" ? nil : $0 },
            state.tenant.map { "(\($0))" },
            state.role, state.name, state.upstream,
            state.acceptsSignups.map { $0 ? "open" : "closed" },
            state.defaultForSignups.flatMap { $0 ? "default" : nil },
            state.from.map { "\($0)→\(state.to ?? "")" }, state.state,
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}
