import ArgumentParser
import RegistryAPI
import RegistryClient

/// `tenant-registry whoami`
struct WhoamiCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Who the token is, as the service sees it, and what it may do.",
        discussion: """
            A table and CSV have the token's id, name, role and end, and the rules that it may set aside; json adds the \
            operations that are open to it, by their names in openapi.yaml.
            """)
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { registry in
            let received = try await registry.whoami()
            switch output.output {
            case .json, .ndjson: StandardOutput.write(received.text + "\n")
            case .table, .csv, .spreadsheet:
                Listing([received.value], Whoami.tableColumns).print(output.output)
            }
        }
    }
}
