import ArgumentParser
import Foundation
import PostgresStore
import RegistryLedger
import RegistryModel
import SQLiteStore

/// `tenant-registry copy`
struct CopyStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a store into another engine's: from SQLite to PostgreSQL, or back.",
        discussion: """
            Each side is a data folder or a postgres:// URL. Nothing may write meanwhile: stop the services \
            first. The target must be new; it comes whole, or not at all. Everything goes along, the log \
            with its revisions, epochs and digests, tokens and idempotency keys too, and is checked at \
            the end: agents and other followers go on where they were. A password comes from \
            TENANT_REGISTRY_STORE_PASSWORD, or in libpq's own ways.
            """)

    @Option(help: "A data folder, or postgres://USER@HOST/NAME.") var from: String
    @Option(help: "A new data folder, or an empty database.") var to: String
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try ProcessTitle.refusePassword(in: [from, to])
        do {
            let found =
                if Self.isDatabase(from) {
                    try await fromDatabase(try Self.connection(from))
                } else {
                    try await fromFolder(Self.folder(from))
                }
            guard found.isGood else {
                throw CommandFailure.failed("the copy isn't sound: \(found.what)")
            }
            var listing = Listing(["to", "revision", "digest", "domains"])
            listing.add([
                .text(to), .number(found.revision.number), .text(DigestText.text(found.digest)),
                .number(found.extent.domains),
            ])
            listing.print(output.output)
            ForeignTables.say(found.foreign)
        } catch let error as StoreOpeningError {
            throw CommandFailure.failed(error.description)
        } catch let error as PostgresOpeningError {
            throw CommandFailure.failed(error.description)
        } catch let error as RegistryError {
            throw CommandFailure.failed("the copy can't be checked: \(error.code)")
        }
    }

    private func fromFolder(_ folder: URL) async throws -> Verification {
        let source = try SQLiteCopySource(folder: folder)
        defer { source.close() }
        return try await copy(from: source)
    }

    private func fromDatabase(_ connection: ConnectionSettings) async throws -> Verification {
        let source = try await PostgresCopySource(connection)
        let result = await Result { try await copy(from: source) }
        await source.close()
        return try result.get()
    }

    /// What isn't the registry's own stays in the source: its names are said.
    private func copy(from source: some CopySource) async throws -> Verification {
        let foreign = try await source.foreign()
        var found =
            if Self.isDatabase(to) {
                try await copy(from: source, to: try Self.connection(to))
            } else {
                try await copy(from: source, to: Self.folder(to))
            }
        found.foreign += foreign
        return found
    }

    private func copy(
        from source: some CopySource, to connection: ConnectionSettings
    ) async throws -> Verification {
        let target = try await PostgresCopyTarget(connection, now: SystemClock.now())
        let result = await Result { try await run(from: source, to: target) }
        await target.close()
        let head = try result.get()
        return try await checked { progress in
            try await PostgresStore.verifyStopped(
                connection, NotedDigest(head), progress: progress)
        }
    }

    private func copy(from source: some CopySource, to folder: URL) async throws -> Verification {
        let target = try SQLiteCopyTarget(folder: folder, now: SystemClock.now())
        do {
            let head = try await run(from: source, to: target)
            return try await checked { progress in
                try await SQLiteStore.verifyStopped(
                    folder: folder, NotedDigest(head), progress: progress)
            }
        } catch {
            target.discard()
            throw error
        }
    }

    private func run(
        from source: some CopySource, to target: some CopyTarget
    ) async throws -> Head {
        let head = try await CopyRun(from: source, to: target) { done, head in
            guard StandardError.isTerminal else { return }
            StandardError.redraw("\(done) of \(head) revisions copied")
        }.run()
        if StandardError.isTerminal { StandardError.write("\n") }
        return head
    }

    private func checked(
        _ verify: (@escaping @Sendable (VerificationProgress) -> Void) async throws -> Verification
    ) async throws -> Verification {
        let bar = VerificationBar()
        let found = try await verify { bar.update($0) }
        bar.finish()
        return found
    }

    private static func isDatabase(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    }

    private static func folder(_ path: String) -> URL {
        URL(fileURLWithPath: path, isDirectory: true)
    }

    private static func connection(_ url: String) throws -> ConnectionSettings {
        try ConnectionSettings(
            url: url,
            password: ProcessInfo.processInfo.environment["TENANT_REGISTRY_STORE_PASSWORD"])
    }
}

extension NotedDigest {
    /// The head of the source: the copy has to end there.
    fileprivate init?(_ head: Head) {
        self.init("\(head.revision):\(DigestText.text(head.digest))")
    }
}

extension Result where Failure == any Error {
    /// What `body` came to, kept until what follows it is done.
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
