import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry domains …`
struct Domains: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look up, register, change and release domains.",
        subcommands: [
            Get.self, List.self, Register.self, Activate.self, Change.self, Release.self,
            Restore.self,
            DomainHistory.self, Explain.self,
        ])

    /// An answer's domain, and the epoch that its revision is of.
    static func show<Value: Shape>(
        _ received: RegistryClient.Received<Value>, _ output: OutputOptions
    ) {
        show(received.value, of: received.position?.epoch, output)
    }

    static func show<Value: Shape>(_ value: Value, of epoch: Epoch?, _ output: OutputOptions) {
        let epoch = Cell(epoch?.text)
        Listing([value], Value.tableColumns + [ShapeField("epoch") { _ in epoch }])
            .print(output.output)
    }
}

extension Domains {
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Where a domain lives, now or then.")
        @Argument(help: "The domain.") var fqdn: String
        @Option(help: "As of a time, RFC 3339.") var at: String?
        @Option(help: "As of a revision.") var revision: NamedRevision?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                Domains.show(try await registry.domain(fqdn, at: at, revision: revision), output)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List domains by name.")
        @Option(help: "Only those in this location.") var location: String?
        @Option(help: "Only those in this mode: serve, read_only, reject.") var mode: String?
        @Option(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only names that begin so.") var prefix: String?
        @Option(help: "Only names below this one, or itself.") var suffix: String?
        @Option(help: "Only names that have this text somewhere.") var contains: String?
        @Option(help: "As of a time, RFC 3339.") var at: String?
        @Option(help: "As of a revision.") var revision: NamedRevision?
        @Flag(help: "Names that are held, instead of domains.") var held = false
        @Option(help: "Stop after this many.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let filter = [
                ("location", location), ("mode", mode), ("tenant", tenant), ("prefix", prefix),
                ("suffix", suffix), ("contains", contains), ("at", at),
                ("revision", revision?.description),
            ]
            try await client.withClient { registry in
                if held {
                    try await PagedListing.print(output.output, limit: limit) {
                        try await registry.holds(filter: filter, limit: $0, cursor: $1)
                    }
                } else {
                    try await PagedListing.print(output.output, limit: limit) {
                        try await registry.domains(filter: filter, limit: $0, cursor: $1)
                    }
                }
            }
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Register a new domain.")
        @Argument(help: "The domain.") var fqdn: String
        @Option(help: "Where. (default: where the tenant is, or the default for signups)")
        var location: String?
        @Option(help: "Whose it is.") var tenant: String?
        @Option(help: "Hold the name for so long instead, 60s to 24h, until `domains activate`.")
        var hold: TimeSpan?
        @Flag(help: "Also below or above a name of another tenant's.") var allowNested = false
        @Flag(help: "Also elsewhere than the tenant's other domains.") var allowSplit = false
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let domain = try await registry.register(
                    DomainRegistration(
                        fqdn: fqdn, placement: PlacementText(location: location, tenant: tenant),
                        allowsNested: allowNested, allowsSplit: allowSplit,
                        holdSeconds: hold?.seconds, note: why.note))
                let epoch = domain.position?.epoch
                switch domain.value {
                case .domain(let new): Domains.show(new, of: epoch, output)
                case .held(let held): Domains.show(held, of: epoch, output)
                }
            }
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a name that is held a domain.")
        @Argument(help: "The name.") var fqdn: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let domain = try await Retry.keyed {
                    try await registry.activate(fqdn, note: why.note, idempotencyKey: $0)
                }
                Domains.show(domain, output)
            }
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a domain's location, mode or tenant.")
        @Argument(help: "The domain.") var fqdn: String
        @Option(help: "The new location.") var location: String?
        @Option(help: "The new mode: serve, read_only, reject.") var mode: String?
        @Option(help: "The new tenant.") var tenant: String?
        @Flag(help: "Clear the tenant.") var clearTenant = false
        @Flag(help: "Also below or above a name of another tenant's.") var allowNested = false
        @Flag(help: "Also elsewhere than the tenant's other domains.") var allowSplit = false
        @Option(
            help:
                "Only if the domain is still at this revision, <epoch>.<revision>, or a number where the log has only had one epoch."
        )
        var ifRevision: NamedRevision?
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard tenant == nil || !clearTenant else {
                throw ValidationError("Send either --tenant or --clear-tenant.")
            }
            guard location != nil || mode != nil || tenant != nil || clearTenant else {
                throw ValidationError(
                    "Nothing to change: send --location, --mode, --tenant or --clear-tenant.")
            }
        }

        func run() async throws {
            let change = DomainChangeRequest(
                PlacementText(location: location, mode: mode, tenant: tenant),
                clearing: clearTenant ? ["tenant"] : [], allowsNested: allowNested,
                allowsSplit: allowSplit, note: why.note)
            try await client.withClient { registry in
                var position: Position?
                if let ifRevision { position = try await registry.position(of: ifRevision) }
                let domain = try await Retry.keyed { [position] in
                    try await registry.change(
                        fqdn, change, ifMatch: position, idempotencyKey: $0)
                }
                Domains.show(domain, output)
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a domain go, whose name rests in quarantine, or a name that is held.")
        @Argument(help: "The domain.") var fqdn: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await Retry.keyed {
                    try await registry.release(fqdn, note: why.note, idempotencyKey: $0)
                }
            }
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a released domain back as it was.")
        @Argument(help: "The domain.") var fqdn: String
        @Flag(help: "Also below or above a name of another tenant's.") var allowNested = false
        @Flag(help: "Also elsewhere than the tenant's other domains.") var allowSplit = false
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let domain = try await registry.restore(
                    fqdn, allowsNested: allowNested, allowsSplit: allowSplit, note: why.note)
                Domains.show(domain, output)
            }
        }
    }

    struct DomainHistory: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: "Who changed a domain, when and why.",
            discussion: HistoryOptions.discussion)
        @Argument(help: "The domain.") var fqdn: String
        @OptionGroup var options: HistoryOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await options.run(of: fqdn, output.output, client)
        }
    }
}

/// A number, or `<epoch>.<revision>`.
extension NamedRevision: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
