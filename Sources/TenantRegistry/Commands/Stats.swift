import ArgumentParser
import RegistryClient

/// `tenant-registry stats`
struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "How many domains live where.")
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { registry in
            let statistics = try await registry.statistics()
            var listing = Listing(["location", "domains", "frozen", "suspended"])
            for location in statistics.locations {
                listing.add([
                    .text(location.location), .number(Int64(location.domains)),
                    .number(Int64(location.frozen)),
                    location.suspended.map { .number(Int64($0)) } ?? .absent,
                ])
            }
            listing.print(output.output)
            StandardError.write(
                "\(statistics.total) domains at revision \(statistics.revision), \(statistics.openMigrations) open migrations\n"
            )
        }
    }
}
