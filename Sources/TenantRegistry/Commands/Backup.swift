import ArgumentParser
import DurableFiles
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import SQLiteStore

/// `tenant-registry backup`
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the running service's store into a file.",
        discussion: """
            The copy is of one revision, whole, and checked (SQLite's pages, the log's digests, the state \
            against the log) before it gets its name: FILE is there and sound, or not there. It holds \
            everything, digests of tokens too; only its owner can read it. Writes go on meanwhile.
            """)

    @Argument(help: "The file to make.") var file: String
    @Flag(help: "Take the place of a file that is there.") var force = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let target = URL(fileURLWithPath: file)
        var found = stat()
        let isThere = stat(target.path, &found) == 0
        // A copy is checked before it gets its name, and that can't be done in a device or a pipe.
        guard !isThere || found.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure.failed("\(file) is no regular file: a backup can't be kept there")
        }
        guard force || !isThere else {
            throw CommandFailure.failed("\(file) is there already; --force replaces it")
        }
        // A service would go on writing into a file without a name, and lose all of it at its end.
        guard !FileManager.default.fileExists(atPath: target.path + "-wal") else {
            throw CommandFailure.failed(
                "\(file) is a store that a service has, or had when it was killed; choose another file"
            )
        }
        let copy: BackupFile
        do {
            copy = try BackupFile(target.path)
        } catch {
            throw CommandFailure(error)
        }
        defer { copy.discard() }
        do {
            try await client.withClient { registry in
                let position = try await registry.backup { piece in
                    try copy.write(piece.readableBytesView)
                }
                let found = try await check(copy)
                try copy.keep()
                var listing = Listing(["file", "epoch", "revision", "digest", "octets"])
                listing.add([
                    .text(file), Cell(position?.epoch.text), .number(found.revision.number),
                    .text(DigestText.text(found.digest)), .number(copy.byteCount),
                ])
                listing.print(output.output)
                ForeignTables.say(found.foreign)
            }
        } catch let failure as FileFailure {
            throw CommandFailure(failure)
        }
    }

    private func check(_ copy: BackupFile) async throws -> Verification {
        let bar = VerificationBar()
        do {
            let found = try await copy.check(begins: {
                StandardError.write("\($0) bytes are here; checking them\n")
            }) { bar.update($0) }
            bar.finish()
            return found
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        } catch let error as BackupFile.Unsound {
            throw CommandFailure.failed(error.description)
        }
    }
}

/// `tenant-registry restore`
struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a backup in the place of a stopped service's store.",
        discussion: """
            The backup is checked first. History, tokens and agents are kept; the epoch is new, so that \
            whoever has followed the old store begins anew: agents do so by themselves. Cut off at any \
            moment, it has either done nothing, or the next start of the service finishes it.
            """)

    @Argument(help: "The file that backup made.") var file: String
    @Option(help: "The service's data folder; made where it's missing.") var dataDir: String
    @Flag(help: "Put a store that is there aside, into a folder beside it.") var force = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let bar = VerificationBar()
        do {
            let report = try await StoreRestore.run(
                URL(fileURLWithPath: file), into: URL(fileURLWithPath: dataDir, isDirectory: true),
                replacing: force, now: SystemClock.now()
            ) { bar.update($0) }
            bar.finish()
            if let kept = report.kept {
                StandardError.write("what was there before is in \(kept.path)\n")
            }
            var listing = Listing(["data_dir", "epoch", "revision", "digest"])
            listing.add([
                .text(dataDir), .text(report.head.epoch.text),
                .number(report.head.revision.number),
                .text(DigestText.text(report.head.digest)),
            ])
            listing.print(output.output)
            ForeignTables.say(report.foreign)
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        }
    }
}
