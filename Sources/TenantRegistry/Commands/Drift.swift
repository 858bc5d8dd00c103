import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry drift`
struct Drift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold a list of what a location really has against the registry.",
        discussion: """
            The list has a name a line, or is CSV with a column fqdn, or NDJSON with a member fqdn. What \
            differs is written: missing (registered there, not in the list), elsewhere (in the list, registered \
            in another location), unknown (in the list, not registered), invalid (no name). Everything is read \
            at one revision. The exit code is 0 where nothing differs, and 1 where something does; a \
            comparison that broke off ends with 4.
            """)

    @Argument(help: "The file; - for standard input.") var file: String
    @Option(help: "The location that the list is of.") var location: String
    @Option(help: "text, csv or ndjson. (default: by the file's name, else text)")
    var format: NameListFormat?
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        // Before anything is asked: whoever makes the list may still be at it, and a server doesn't wait for long.
        let list = try await FilePieces(path: file)
        defer { list.close() }
        var summary: DriftSummary?
        try await client.withClient { registry in
            var listing = PagedListing(DriftEntry.tableColumns.map(\.name), output.output)
            summary = try await registry.drift(of: location, list, listFormat) { entry in
                listing.add(Listing.cells(entry, DriftEntry.tableColumns))
                if listing.held > Self.page { listing.endPage() }
            }
            listing.finish()
        }
        guard let summary else { return }
        let counts = summary.counts
        let words =
            "\(counts.missing) missing, \(counts.elsewhere) elsewhere, \(counts.unknown) unknown, \(counts.invalid) invalid, at revision \(summary.revision)"
        guard counts.total == 0 else { throw CommandFailure.failed(words) }
        StandardError.write("nothing differs: \(words)\n")
    }

    /// Rows of a table that its columns are as wide as.
    private static let page = 1_000

    private var listFormat: NameListFormat {
        format ?? NameListFormat(file: file)
    }
}

extension NameListFormat: ExpressibleByArgument {
    /// What a file of that name has in it.
    init(file: String) {
        if file.hasSuffix(".ndjson") || file.hasSuffix(".jsonl") {
            self = .ndjson
        } else {
            self = file.hasSuffix(".csv") ? .csv : .text
        }
    }
}

/// A file's bytes, read as somebody takes them.
private struct FilePieces: AsyncSequence, Sendable {
    private let file: FileHandle
    private let first: Data

    private static let size = 256 * 1024

    /// Waits for the first of them.
    ///
    /// - Throws: `CommandFailure.usage` where it can't be read.
    init(path: String) async throws {
        guard let file = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path) else {
            throw CommandFailure.usage("\(path) can't be read")
        }
        self.file = file
        do {
            first = try await Self.read(file)
        } catch {
            throw CommandFailure.usage("\(path) can't be read")
        }
    }

    func close() { try? file.close() }

    func makeAsyncIterator() -> Iterator { Iterator(file: file, first: first) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let file: FileHandle
        fileprivate var first: Data?

        mutating func next() async throws -> ByteBuffer? {
            var data = first
            first = nil
            if data == nil { data = try await FilePieces.read(file) }
            guard let data, !data.isEmpty else { return nil }
            return ByteBuffer(bytes: data)
        }
    }

    /// A pipe may have nothing for long: not on a thread that the answer needs.
    private static func read(_ file: FileHandle) async throws -> Data {
        try await NIOThreadPool.singleton.runIfActive {
            try file.read(upToCount: size) ?? Data()
        }
    }
}
