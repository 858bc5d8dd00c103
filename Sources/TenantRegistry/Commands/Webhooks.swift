import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry webhooks …`
struct WebhookCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "Tell receivers outside of what happens: list, set and delete webhooks.",
        subcommands: [List.self, Get.self, Put.self, Delete.self], defaultSubcommand: List.self)

    static func show(_ webhook: ListedWebhook, _ output: OutputOptions) {
        var listing = PagedListing(ListedWebhook.tableColumns.map(\.name), output.output)
        listing.add(webhook)
        listing.finish()
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List webhooks, and how far each has come.")
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await PagedListing.print(output.output) {
                    try await registry.webhooks(cursor: $1)
                }
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one webhook, and how far it has come.")
        @Argument(help: "The webhook.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient {
                WebhookCommands.show(try await $0.webhook(name).value, output)
            }
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a webhook, or change one.",
            discussion: """
                Prints the secret of a new one alone, on stdout, this once: nobody can show it again. One that changes \
                keeps its secret, unless --secret-file gives another; the one before signs too for a day then. What \
                was disabled because its receiver answered 410 is enabled again.
                """)
        @Argument(help: "The webhook.") var name: String
        @Option(help: "Where deliveries go: an https URL.") var url: String
        @Option(
            help: ArgumentHelp(
                "An action of history that is told: moved, announced, frozen and so on. Repeatable."
            ))
        var action: [String]
        @Option(help: "A file with a secret: whsec_ and the base64 of 24 to 64 bytes.")
        var secretFile: String?
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            let secret = try secretFile.map(Self.secret)
            try await client.withClient { registry in
                let request = WebhookRequest(
                    url: url, actions: action, secret: secret, note: why.note)
                // Without a key: the registry's answer to a repetition would have no secret.
                let made = try await registry.putWebhook(name, request)
                guard let secret = made.secret else { return }
                StandardError.write("webhook \(name) created; its secret is shown this once\n")
                StandardOutput.write(secret + "\n")
            }
        }

        private static func secret(in file: String) throws -> String {
            guard let text = SecretFile.text(of: file) else {
                throw CommandFailure.usage("--secret-file: \(file) can't be read")
            }
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a webhook: whatever it hasn't been told it won't be.")
        @Argument(help: "The webhook.") var name: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                try await Retry.keyed {
                    try await registry.deleteWebhook(name, note: why.note, idempotencyKey: $0)
                }
            }
        }
    }
}
