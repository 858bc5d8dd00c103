import ArgumentParser
import Foundation
import RegistryAPI
import RegistryModel
import SQLiteStore

/// `tenant-registry verify`
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the log's digests, and what is now against the log.",
        discussion: """
            Asks the running service. With --data-dir and without --server it reads the store in that \
            folder itself, where no process has it; it changes nothing there. Exits with 1, and names \
            the first revision that doesn't fit, where something is wrong. A log that was cut off with \
            its head, or computed anew, fits by itself: note a head now and then, somewhere else, and \
            give it with --expect.
            """)

    @Option(help: "A head that was noted: REVISION:DIGEST.") var expect: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard let expect, NotedDigest(expect) == nil else { return }
        throw ValidationError("--expect: REVISION:DIGEST is expected, as 48211:sha256:9f86….")
    }

    func run() async throws {
        let result = if let stopped = try await stopped() { stopped } else { try await running() }
        Listing([result], VerificationResponse.tableColumns).print(output.output)
        ForeignTables.say(result.foreign)
        guard result.isGood else {
            let revision = result.firstBadRevision.map { "revision \($0): " } ?? ""
            throw CommandFailure.failed("\(revision)\(result.what ?? "something doesn't fit")")
        }
    }

    private func running() async throws -> VerificationResponse {
        var result: VerificationResponse?
        try await client.withClient { registry in
            let progress = VerificationBar()
            result = try await registry.verify(expecting: expect) { step in
                progress.update(step)
            }
            progress.finish()
        }
        guard let result else { throw CommandFailure.failed("the answer holds no result") }
        return result
    }

    /// - Returns: nil where the running service is to be asked.
    private func stopped() async throws -> VerificationResponse? {
        guard let folder = client.dataDir, client.server == nil else { return nil }
        let progress = VerificationBar()
        do {
            let result = try await SQLiteStore.verifyStopped(
                folder: URL(fileURLWithPath: folder, isDirectory: true),
                expect.flatMap { NotedDigest($0) }
            ) { step in
                progress.update(step)
            }
            progress.finish()
            return VerificationResponse(result)
        } catch StoreOpeningError.inUse(_, let holder) {
            StandardError.write("\(folder) is in use (\(holder)): asking the running service\n")
            return nil
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        }
    }
}

/// What a store holds beside the registry's own tables.
enum ForeignTables {
    static func say(_ names: [String]) {
        guard !names.isEmpty else { return }
        let text = Listing.printable(names.joined(separator: ", "))
        StandardError.write("not the registry's own, and left alone: \(text)\n")
    }
}
