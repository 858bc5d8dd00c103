import ArgumentParser
import RegistryAPI
import RegistryClient
import RegistryModel

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
                try await PagedListing.print(output.output) {
                    try await registry.agents(evicted: evicted, cursor: $1)
                }
            }
        }
    }

    struct Evict: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Don't wait for an agent any more, until it reports again.",
            discussion: """
                Only for one that is really gone: an agent that is merely cut off goes on answering its \
                proxy with what it knows. Stop that proxy first.

                --silent-for evicts every agent that is lagging and was last seen longer ago than that: what \
                is left of a fleet that is gone, or of names that somebody made up. They're named on \
                standard output. Whoever is alive all the same counts again with its next report.
                """)
        @Argument(help: "The agent's name.") var name: String?
        @Option(help: "All that have been silent for so long, 1h for example.")
        var silentFor: TimeSpan?
        @Flag(help: "With --silent-for: only name them.") var dryRun = false
        @OptionGroup var why: NoteOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard (name == nil) != (silentFor == nil) else {
                throw ValidationError("Give either a name or --silent-for.")
            }
            guard silentFor.map({ $0.seconds > 0 }) ?? true else {
                throw ValidationError("--silent-for: a time above 0 is expected.")
            }
            guard !dryRun || silentFor != nil else {
                throw ValidationError("--dry-run belongs to --silent-for.")
            }
        }

        func run() async throws {
            try await client.withClient { registry in
                if let name { return try await evict(name, registry) }
                guard let silentFor else { return }
                let count = try await evictAll(silentFor.seconds, registry)
                StandardError.write("\(count) agents \(dryRun ? "would be " : "")evicted\n")
            }
        }

        private func evict(_ name: String, _ registry: RegistryClient) async throws {
            try await Retry.keyed {
                try await registry.evictAgent(name, note: why.note, idempotencyKey: $0)
            }
        }

        /// - Returns: how many.
        private func evictAll(
            _ seconds: Int, _ registry: RegistryClient
        ) async throws -> Int {
            let latest = SystemClock.now().adding(.seconds(-seconds))
            var count = 0
            var cursor: String?
            repeat {
                let page = try await registry.agents(cursor: cursor)
                // By the registry's own judgement first: this machine's clock may be wrong.
                for agent in page.items where agent.isLagging {
                    guard agent.lastSeen < latest else { continue }
                    if !dryRun {
                        do {
                            try await evict(agent.name.text, registry)
                        } catch ClientError.refused(let refusal) where refusal.status == 404 {
                            // Somebody else was quicker.
                            continue
                        }
                    }
                    StandardOutput.write(agent.name.text + "\n")
                    count += 1
                }
                cursor = page.nextCursor
            } while cursor != nil
            return count
        }
    }

    struct Converged: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether every agent has a revision.",
            discussion: "Exits with 1, and names those that lag, where one hasn't.")
        @Option(help: "The revision, or <epoch>.<revision>. (default: the last one)")
        var revision: NamedRevision?
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
                lagging = received.value.lagging.map(\.text)
                switch output.output {
                case .json, .ndjson: StandardOutput.write(received.text + "\n")
                case .table, .csv, .spreadsheet:
                    Listing([received.value], Convergence.tableColumns).print(output.output)
                }
            }
            guard lagging.isEmpty else {
                throw CommandFailure.failed("behind: \(lagging.joined(separator: ", "))")
            }
        }
    }
}
