import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry migrations …`
struct Migrations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move many domains from one location to another, in waves, with a way back.",
        discussion: """
            plan says which domains move and in which waves; nothing moves yet. run goes wave by \
            wave; freeze, cutover, rollback and thaw are its steps by hand. approve lets a large wave \
            go on that somebody else has planned. finalize closes a migration, cancel drops what \
            hasn't moved.
            """,
        subcommands: [
            Plan.self, Show.self, List.self, Run.self, Announce.self, Freeze.self, Cutover.self,
            Rollback.self,
            Thaw.self, Approve.self, Finalize.self, Cancel.self,
        ])
}

extension Migrations {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List migrations, newest first.")
        @Option(help: "Only those in this state: planned, running, finalized, cancelled.")
        var state: String?
        @Option(help: "Stop after this many.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await PagedListing.print(output.output, limit: limit) {
                    try await registry.migrations(state: state, limit: $0, cursor: $1)
                }
            }
        }
    }
}

extension Migrations {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a migration's waves, or its domains.",
            discussion: """
                --watch goes on until the migration is finalized or cancelled, or Ctrl-C: on a \
                terminal it draws the waves again, elsewhere it adds a line for each change.
                """)
        @OptionGroup var migration: MigrationArgument
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
        }

        func run() async throws {
            try await client.withClient { registry in
                let found = try await migration.find(registry)
                if domains {
                    try await showDomains(of: found.value.id, registry)
                } else if watch {
                    try await Interruption.heard {
                        try await MigrationWatch(id: found.value.id, format: output.output)
                            .run(registry, $0)
                    }
                } else {
                    MigrationView.show(found, output.output)
                }
            }
        }

        private func showDomains(of id: String, _ registry: RegistryClient) async throws {
            try await PagedListing.print(output.output, limit: limit) {
                try await registry.migrationDomains(
                    of: id, wave: wave, status: status, limit: $0, cursor: $1)
            }
        }
    }
}

extension Migrations {
    struct Finalize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a migration that is done: there's no rollback after.")
        @OptionGroup var migration: MigrationArgument
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let key = "finalize-\(UUID().uuidString)"
            try await client.withClient { registry in
                let id = try await migration.find(registry).value.id
                let closed = try await Retry.calling {
                    try await registry.finalizeMigration(id, note: why.note, idempotencyKey: key)
                }
                MigrationView.show(closed, output.output)
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drop the waves that haven't moved; frozen ones thaw, moved ones stay.")
        @OptionGroup var migration: MigrationArgument
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let key = "cancel-\(UUID().uuidString)"
            try await client.withClient { registry in
                let id = try await migration.find(registry).value.id
                let closed = try await Retry.calling {
                    try await registry.cancelMigration(id, note: why.note, idempotencyKey: key)
                }
                MigrationView.show(closed, output.output)
            }
        }
    }
}
