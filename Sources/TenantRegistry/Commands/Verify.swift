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
        var listing = Listing(["ok", "revision", "digest", "first_bad_revision", "what", "foreign"])
        listing.add([
            .bool(result.ok ?? false), .number(result.revision ?? 0), Listing.Cell(result.digest),
            result.firstBadRevision.map { .number($0) } ?? .absent, Listing.Cell(result.what),
            Listing.Cell(result.foreign.flatMap { $0.isEmpty ? nil : $0.joined(separator: " ") }),
        ])
        listing.print(output.output)
        ForeignTables.say(result.foreign ?? [])
        guard result.ok == true else {
            let revision = result.firstBadRevision.map { "revision \($0): " } ?? ""
            throw CommandFailure.failed("\(revision)\(result.what ?? "something doesn't fit")")
        }
    }

    private func running() async throws -> VerificationResource {
        var result: VerificationResource?
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
    private func stopped() async throws -> VerificationResource? {
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
            return VerificationResource(result)
        } catch StoreOpeningError.inUse(_, let holder) {
            StandardError.write("\(folder) is in use (\(holder)): asking the running service\n")
            return nil
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        }
    }
}

extension VerificationResource {
    /// A result as the service would answer it.
    fileprivate init(_ result: Verification) {
        self.init(
            ok: result.isGood, revision: result.revision.number,
            digest: result.isGood ? DigestText.text(result.digest) : nil,
            firstBadRevision: result.firstBadRevision?.number,
            what: result.isGood ? nil : result.what, foreign: result.foreign)
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
