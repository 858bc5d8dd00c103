import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry stats`
struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How many domains live where, now and over time.",
        subcommands: [Now.self, History.self], defaultSubcommand: Now.self)

    struct Now: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "How many domains live where.")
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let statistics = try await registry.statistics()
                Listing(statistics.locations, LocationCount.tableColumns).print(output.output)
                let split = statistics.splitTenants.map { ", \($0) split tenants" } ?? ""
                StandardError.write(
                    "\(statistics.total) domains at revision \(statistics.revision), \(statistics.openMigrations) open migrations\(split)\n"
                )
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How many domains lived where at the end of each hour, day or week.",
            discussion: """
                A line for each moment and location, in every format: what a spreadsheet makes a chart \
                of. Days and weeks end at midnight UTC, weeks with Sunday. The last moment is --until, or now.
                """)
        @Option(help: "How far apart: hour, day or week. (default: day)") var step: String?
        @Option(help: "From this time on, RFC 3339. (default: the first revision)")
        var since: String?
        @Option(help: "Up to this time, RFC 3339. (default: now)") var until: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let history = try await registry.statisticsHistory([
                    ("step", step), ("since", since), ("until", until),
                ])
                var listing = Listing(["at", "revision", "location", "domains"])
                for moment in history.items {
                    for count in moment.counts {
                        listing.add(
                            Listing.cells(moment, CountMoment.tableColumns)
                                + Listing.cells(count, CountMoment.Count.tableColumns))
                    }
                }
                listing.print(output.output)
                let last = history.items.last
                StandardError.write(
                    "\(MigrationView.count(history.items.count, "moment"))\(last.map { ", the last at revision \($0.revision)" } ?? "")\n"
                )
            }
        }
    }
}
