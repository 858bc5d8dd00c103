import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry tenants …`
struct Tenants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List customers with all their domains, and move one whole.",
        subcommands: [List.self, Get.self, Change.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tenants by name.")
        @Option(help: "Only those with a domain in this location.") var location: String?
        @Flag(inversion: .prefixedNo, help: "Only those in more than one place, or in one.")
        var split: Bool?
        @Option(help: "Only tenants whose name begins so.") var prefix: String?
        @Option(help: "Stop after this many.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let filter = [
                ("location", location), ("split", split.map(String.init)), ("prefix", prefix),
            ]
            try await client.withClient { registry in
                try await PagedListing.print(output.output, limit: limit) {
                    try await registry.tenants(filter: filter, limit: $0, cursor: $1)
                }
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A tenant's domains, and whether they are in one place.",
            discussion: "As JSON it's one object, as the service has it, with all domains.")
        @Argument(help: "The tenant.") var tenant: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                if output.output == .json { return try await printObject(registry) }
                var found: Tenant?
                try await PagedListing.print(output.output, limit: nil) { limit, cursor in
                    let page = try await registry.tenant(tenant, limit: limit, cursor: cursor)
                    found = page.tenant
                    return ListPage(items: page.domains, nextCursor: page.nextCursor)
                }
                guard let found else { return }
                let places = found.locations.map { "\(found.places[$0] ?? 0) at \($0)" }
                StandardError.write(
                    places.joined(separator: ", ") + (found.isSplit ? ": split\n" : "\n"))
            }
        }

        private func printObject(_ registry: RegistryClient) async throws {
            var whole = try await registry.tenant(tenant, limit: 1000)
            while let cursor = whole.nextCursor {
                let page = try await registry.tenant(tenant, limit: 1000, cursor: cursor)
                whole.domains += page.domains
                whole.nextCursor = page.nextCursor
            }
            var writer = JSONWriter()
            whole.write(to: &writer)
            StandardOutput.write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the location or mode of all domains of a tenant, at once.")
        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "The new location.") var location: String?
        @Option(help: "The new mode: serve, read_only, reject.") var mode: String?
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard location != nil || mode != nil else {
                throw ValidationError("Nothing to change: send --location or --mode.")
            }
        }

        func run() async throws {
            let change = TenantChangeRequest(location: location, mode: mode, note: why.note)
            try await client.withClient { registry in
                let changed = try await Retry.keyed {
                    try await registry.changeTenant(tenant, change, idempotencyKey: $0)
                }
                Listing([changed], TenantChangeResponse.tableColumns).print(output.output)
            }
        }
    }
}
