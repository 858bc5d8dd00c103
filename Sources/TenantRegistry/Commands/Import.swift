import ArgumentParser
import Foundation

/// `tenant-registry import`
struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Register many domains from a file.",
        discussion: """
            CSV with a header line (fqdn,location,tenant,mode; all but the first are optional) or NDJSON \
            with the same fields: every export of domains. Each bad row is reported with its line and a \
            code, and the rest goes on. Columns that no domain has are left behind, and said. The exit \
            code is 1 if any row was bad or anything was left behind.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, ndjson
    }

    @Argument(help: "The file; - for standard input.") var file: String
    @Option(help: "csv or ndjson. (default: by the file's name, else csv)") var format: Format?
    @Flag(help: "Also names below or above another tenant's.") var allowNested = false
    @Flag(help: "Also names elsewhere than their tenant's others.") var allowSplit = false
    @OptionGroup var why: NoteOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let handle = try open()
        defer { try? handle.close() }
        try await client.withClient { registry in
            var rows = try RowReader(handle, format: isNDJSON ? .ndjson : .csv)
            var run = ImportRun(
                registry: registry, allowsNested: allowNested, allowsSplit: allowSplit,
                note: why.note)
            try await run.run(&rows, progress: ProgressBar(total: size))
            if let failure = run.failure { throw failure }
        }
    }

    private var isNDJSON: Bool {
        if let format { return format == .ndjson }
        return file.hasSuffix(".ndjson") || file.hasSuffix(".jsonl")
    }

    private func open() throws -> FileHandle {
        guard file != "-" else { return .standardInput }
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw CommandFailure.usage("\(file) can't be read")
        }
        return handle
    }

    private var size: Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        return (attributes?[.size] as? NSNumber)?.intValue
    }
}
