import ArgumentParser
import RegistryAPI
import RegistryClient

/// `tenant-registry stats`
struct Stats: AsyncParsableCommand {
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
