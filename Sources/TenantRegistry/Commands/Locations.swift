import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry locations …`
struct Locations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, set and delete locations.",
        subcommands: [List.self, Set.self, Delete.self], defaultSubcommand: List.self)

    static func show(_ locations: [Location], _ output: OutputOptions) {
        var listing = PagedListing(Location.tableColumns.map(\.name), output.output)
        for location in locations { listing.add(location) }
        listing.finish()
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List locations.")
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { Locations.show(try await $0.locations(), output) }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a location, or change one.",
            discussion:
                "What isn't given stays as it is; a new location takes signups and isn't the default. What somebody else changes meanwhile isn't overwritten: the command is refused then."
        )
        @Argument(help: "The location.") var name: String
        @Option(help: "Where the proxy sends requests: an http or https URL.") var upstream: String?
        @Flag(inversion: .prefixedNo, help: "Whether signups may go there.") var acceptsSignups:
            Bool?
        @Flag(name: .customLong("default"), help: "Make it the default for signups.")
        var isDefault = false
        @OptionGroup(title: "DNS") var dns: LocationDNSOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            // What is wrong is told before anything is asked.
            let asked = try dns.read()
            try await client.withClient { registry in
                let found = try await find(registry)
                let current = found?.value
                let position = found?.position.flatMap { read in
                    current.map { Position(epoch: read.epoch, revision: $0.revision) }
                }
                let change = try asked?.change(of: current?.settings.dns)
                guard let upstream = upstream ?? current?.settings.upstream.text else {
                    throw CommandFailure.usage(
                        "there is no location \(name) yet: --upstream is needed")
                }
                let location = try await Retry.keyed {
                    try await registry.putLocation(
                        name, upstream: upstream,
                        acceptsSignups: acceptsSignups ?? current?.settings.acceptsSignups ?? true,
                        isDefault: isDefault || current?.settings.isDefaultForSignups ?? false,
                        dns: change, ifMatch: position, note: why.note, idempotencyKey: $0)
                }
                Locations.show([location], output)
            }
        }

        /// Nil: there is none yet.
        private func find(
            _ registry: RegistryClient
        ) async throws -> RegistryClient.Received<Location>? {
            do {
                return try await registry.location(name)
            } catch ClientError.refused(let refusal) where refusal.status == 404 {
                return nil
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a location that nothing refers to.")
        @Argument(help: "The location.") var name: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await Retry.keyed {
                    try await registry.deleteLocation(name, note: why.note, idempotencyKey: $0)
                }
            }
        }
    }
}
