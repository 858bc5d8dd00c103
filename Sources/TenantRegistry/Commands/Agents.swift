import ArgumentParser
import RegistryClient
import RegistryWire

/// `tenant-registry agents …`
struct Agents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See which proxies' copies have what, and evict those that are gone.",
        subcommands: [List.self, Evict.self, Converged.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List agents, and what each has applied.")
        @Flag(help: "Those that were evicted and haven't come back, with who did it and why.")
        var evicted = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                var listing = Listing([
                    "name", "revision", "lag", "last_seen", "lagging", "evicted_at", "evicted_by",
                    "reason", "ticket",
                ])
                var cursor: String?
                repeat {
                    let page = try await registry.agents(evicted: evicted, cursor: cursor)
                    for agent in page.items {
                        listing.add([
                            .text(agent.name), .number(agent.revision), .number(agent.lag),
                            .text(agent.lastSeen), .bool(agent.lagging),
                            Listing.Cell(agent.evicted?.at),
                            Listing.Cell(agent.evicted?.actor.name),
                            Listing.Cell(agent.evicted?.reason),
                            Listing.Cell(agent.evicted?.ticket),
                        ])
                    }
                    cursor = page.nextCursor
                } while cursor != nil
                listing.print(output.output)
            }
        }
    }

    struct Evict: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Don't wait for an agent any more, until it reports again.",
            discussion: """
                Only for one that is really gone: an agent that is merely cut off goes on answering its \
                proxy with what it knows. Stop that proxy first.
                """)
        @Argument(help: "The agent's name.") var name: String
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { try await $0.evictAgent(name, note: why.note) }
        }
    }

    struct Converged: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether every agent has a revision.",
            discussion: "Exits with 1, and names those that lag, where one hasn't.")
        @Option(help: "The revision. (default: the last one)") var revision: Int64?
        @Option(help: "Wait so long for them, 0-300 s.") var wait = TimeSpan(seconds: 0)
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard wait.seconds <= 300 else {
                throw ValidationError("--wait: at most 300 seconds are possible.")
            }
        }

        func run() async throws {
            var lagging: [String] = []
            try await client.withClient { registry in
                let received = try await registry.convergence(
                    at: revision, waitSeconds: wait.seconds)
                lagging = received.value.lagging
                switch output.output {
                case .json, .ndjson: StandardOutput.write(received.text + "\n")
                case .table, .csv:
                    var listing = Listing(["agents", "converged", "lagging"])
                    listing.add([
                        .number(Int64(received.value.agents)),
                        .number(Int64(received.value.converged)),
                        .text(lagging.joined(separator: " ")),
                    ])
                    listing.print(output.output)
                }
            }
            guard lagging.isEmpty else {
                throw CommandFailure.failed("behind: \(lagging.joined(separator: ", "))")
            }
        }
    }
}
