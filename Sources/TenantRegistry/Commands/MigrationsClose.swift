import ArgumentParser
import Foundation
import RegistryClient

extension Migrations {
    struct Finalize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a migration that is done: there's no rollback after.")
        @Argument(help: "The migration's id.") var id: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let key = "finalize-\(UUID().uuidString)"
            try await client.withClient { registry in
                _ = try await registry.migration(id)
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
        @Argument(help: "The migration's id.") var id: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let key = "cancel-\(UUID().uuidString)"
            try await client.withClient { registry in
                _ = try await registry.migration(id)
                let closed = try await Retry.calling {
                    try await registry.cancelMigration(id, note: why.note, idempotencyKey: key)
                }
                MigrationView.show(closed, output.output)
            }
        }
    }
}
