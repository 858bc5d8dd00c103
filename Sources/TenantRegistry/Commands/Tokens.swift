import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryService

/// `tenant-registry tokens …`
struct Tokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, create and revoke access tokens; make the first ones.",
        subcommands: [
            List.self, Create.self, Revoke.self, Generate.self, Bootstrap.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List active tokens, without their secrets.")
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await PagedListing.print(output.output) {
                    try await registry.tokens(cursor: $1)
                }
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a token.",
            discussion: "Prints the token alone, on stdout, this once: nobody can show it again.")
        @Argument(help: "A name for it, 1-100 characters.") var name: String
        @Option(help: "reader, registrar, auditor, operator or admin.") var role: String
        @Option(help: "When it ends, RFC 3339. (default: never)") var expiresAt: String?
        @Flag(
            help: ArgumentHelp(
                "Without a service and without a token: in the stopped store of --data-dir, or --store.",
                discussion: "The way back in, where no token is left that may make one."))
        var offline = false
        @Option(help: "With --offline: a PostgreSQL database, as serve takes it.")
        var store: String?
        @Option(help: "With --offline: a file with the database's password.")
        var storePasswordFile: String?
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard !offline || client.server == nil && client.token == nil && client.tokenFile == nil
            else {
                throw ValidationError(
                    "--offline goes with neither --server, --token nor --token-file.")
            }
            guard offline || store == nil && storePasswordFile == nil else {
                throw ValidationError("--store and --store-password-file belong to --offline.")
            }
        }

        func run() async throws {
            if offline {
                try ProcessTitle.hidePassword(in: store)
                let settings = try await Settings(file: client.config)
                let token = try OfflineToken(
                    name: name, role: role, expiresAt: expiresAt, note: why.note)
                let made = try await token.make(
                    in: StoreChoice.read(settings, store, passwordFile: storePasswordFile),
                    folder: settings.text(client.dataDir, "data-dir", default: "data"))
                StandardError.write("token \(made.id) (\(role)) created; it is shown this once\n")
                return StandardOutput.write(made.text + "\n")
            }
            try await client.withClient { registry in
                let made = try await registry.createToken(
                    name: name, role: role, expiresAt: expiresAt, note: why.note)
                StandardError.write(
                    "token \(made.id) (\(made.facts.role.rawValue)) created; it is shown this once\n"
                )
                StandardOutput.write((made.secret ?? "") + "\n")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token.")
        @Argument(help: "The token's id.") var id: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await Retry.keyed {
                    try await registry.revokeToken(id, note: why.note, idempotencyKey: $0)
                }
            }
        }
    }

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a token that no registry knows yet, for tokens bootstrap.",
            discussion: "It asks nobody. Put it where tokens bootstrap and its owner find it.")

        func run() throws {
            StandardOutput.write(TokenSecret.random().text + "\n")
        }
    }

    struct Bootstrap: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put tokens that were made beforehand into a store; may run again.",
            discussion: """
                In the stopped store of --data-dir, or in the database of --store, whose nodes may run. What is \
                there already stays as it is. A store that has no token yet needs one with the role admin.
                """)
        @Option(
            help: ArgumentHelp(
                "A folder with a file for each token, NAME.ROLE, that holds its text.",
                discussion: "As a Secret of Kubernetes' is mounted."))
        var from: String
        @Option(help: "A PostgreSQL database, as serve takes it.")
        var store: String?
        @Option(help: "A file with the database's password.")
        var storePasswordFile: String?
        @Option(help: "The folder of the embedded store, or of a node. (default: data)")
        var dataDir: String?
        @Option(help: "A JSON file with any of these settings.")
        var config: String?
        @OptionGroup var why: NoteOptions

        func run() async throws {
            try ProcessTitle.hidePassword(in: store)
            let settings = try await Settings(file: config)
            let bootstrap = try TokenBootstrap(folder: from)
            let outcomes = try await bootstrap.run(
                in: StoreChoice.read(settings, store, passwordFile: storePasswordFile),
                folder: settings.text(dataDir, "data-dir", default: "data"), note: why.note)
            for each in outcomes {
                StandardOutput.write(
                    "\(each.id) \(each.name) \(each.role.rawValue) \(each.state.rawValue)\n")
            }
        }
    }
}
