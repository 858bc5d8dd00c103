import ArgumentParser
import RegistryAPI
import RegistryClient

extension Migrations {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List migrations, newest first.")
        @Option(help: "Only those in this state: planned, running, finalized, cancelled.")
        var state: String?
        @Option(help: "Stop after this many.") var limit: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            guard limit.map({ $0 > 0 }) ?? true else {
                throw CommandFailure.usage("--limit: a number above 0 is expected")
            }
            try await client.withClient { registry in
                var listing = PagedListing(
                    [
                        "id", "name", "from", "to", "freeze", "state", "domains", "waves",
                        "waves_moved", "created_at", "created_by",
                    ], output.output)
                try await listing.run(limit: limit) {
                    try await registry.migrations(state: state, limit: $0, cursor: $1)
                } cells: {
                    Self.cells($0)
                }
            }
        }

        private static func cells(_ migration: MigrationResource) -> [Listing.Cell] {
            let moved = migration.waves.filter { ["moved", "finalized"].contains($0.state) }
            return [
                Listing.Cell(migration.id), .text(migration.name), .text(migration.from),
                .text(migration.to), .text(migration.freeze), .text(migration.state),
                .number(Int64(migration.waves.reduce(0) { $0 + $1.size })),
                .number(Int64(migration.waves.count)), .number(Int64(moved.count)),
                .text(migration.createdAt), .text(migration.createdBy.name),
            ]
        }
    }
}
