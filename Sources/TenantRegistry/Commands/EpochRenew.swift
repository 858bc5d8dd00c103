import ArgumentParser
import Foundation
import PostgresStore
import RegistryModel
import SQLiteStore

/// `tenant-registry epoch …`
struct EpochCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "epoch", abstract: "Begin a store's next lifetime.",
        subcommands: [Renew.self])

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a stopped store a new epoch.",
            discussion: """
                After a store came back by other means than restore: a dump, point-in-time recovery, a \
                replica of the file. It may lack revisions that somebody has seen, and would give their \
                numbers to other changes. With a new epoch nobody takes the one for the other: agents read \
                the table anew by themselves, and what was kept from before is refused. Revisions, history \
                and tokens stay. Stop every node before; one that runs on a database all the same ends when it \
                sees the new epoch.
                """)

        @Option(help: "The data folder of a service that keeps its store there.")
        var dataDir: String?
        @Option(help: "The database, postgres://USER@HOST/NAME.") var store: String?
        @Option(help: "A file with the database's password.") var storePasswordFile: String?
        @Option(help: "A JSON file with settings.") var config: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try ProcessTitle.refusePassword(in: [store].compactMap(\.self))
            let settings = try await Settings(file: config)
            let head: Head
            do {
                switch try StoreChoice.read(settings, store, passwordFile: storePasswordFile) {
                case .postgres(let connection):
                    head = try await PostgresStore.renewEpoch(connection)
                case .embedded:
                    guard let folder = try settings.text(dataDir, "data-dir") else {
                        throw CommandFailure.usage("--data-dir or --store: one is needed")
                    }
                    head = try EpochRenewal.run(
                        in: URL(fileURLWithPath: folder, isDirectory: true))
                }
            } catch let error as StoreOpeningError {
                throw CommandFailure.failed(error.description)
            } catch let error as PostgresOpeningError {
                throw CommandFailure.failed(error.description)
            }
            var listing = Listing(["epoch", "revision", "digest"])
            listing.add([
                .text(head.epoch.text), .number(head.revision.number),
                .text(DigestText.text(head.digest)),
            ])
            listing.print(output.output)
        }
    }
}
