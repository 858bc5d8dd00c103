import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

extension Migrations {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List migrations, newest first.")
        @Option(help: "Only those in this state: planned, running, finalized, cancelled.")
        var state: String?
        @Option(help: "Stop after this many.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            guard limit.map({ $0 > 0 }) ?? true else {
                throw CommandFailure.usage("--limit: a number above 0 is expected")
            }
            try await client.withClient { registry in
                try await PagedListing.print(output.output, limit: limit) {
                    try await registry.migrations(state: state, limit: $0, cursor: $1)
                }
            }
        }
    }
}
