import ArgumentParser
import RegistryAPI
import RegistryClient

extension Migrations {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a migration's waves, or its domains.",
            discussion: """
                --watch goes on until the migration is finalized or cancelled, or Ctrl-C: on a \
                terminal it draws the waves again, elsewhere it adds a line for each change.
                """)
        @Argument(help: "The migration's id.") var id: String
        @Flag(help: "Go on showing it.") var watch = false
        @Flag(help: "Every name of the plan, with what became of it.") var domains = false
        @Option(help: "Only this wave's domains.") var wave: Int?
        @Option(
            help:
                "Only domains in this status: planned, frozen, moved, rolled_back, finalized, cancelled, skipped."
        )
        var status: String?
        @Option(help: "Stop after this many domains.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard domains || (wave == nil && status == nil && limit == nil) else {
                throw ValidationError("--wave, --status and --limit belong to --domains.")
            }
            guard !(domains && watch) else {
                throw ValidationError("--watch shows waves, not --domains.")
            }
            guard limit.map({ $0 > 0 }) ?? true else {
                throw ValidationError("--limit: a number above 0 is expected.")
            }
        }

        func run() async throws {
            try await client.withClient { registry in
                if domains {
                    try await showDomains(registry)
                } else if watch {
                    try await Interruption.heard {
                        try await MigrationWatch(id: id, format: output.output).run(registry, $0)
                    }
                } else {
                    MigrationView.show(try await registry.migration(id), output.output)
                }
            }
        }

        private func showDomains(_ registry: RegistryClient) async throws {
            try await PagedListing.print(output.output, limit: limit) {
                try await registry.migrationDomains(
                    of: id, wave: wave, status: status, limit: $0, cursor: $1)
            }
        }
    }
}
