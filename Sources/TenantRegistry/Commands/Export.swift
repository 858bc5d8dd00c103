import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// `tenant-registry export`
struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write every domain to stdout or a file.",
        discussion: """
            csv has the columns that import reads: fqdn,location,tenant,mode. ndjson has every field. A \
            file that is there is replaced when the export is whole; what is no regular file is written into. \
            The pages are read one after the other: what changes meanwhile may show old or new, but \
            not with --at or --revision, which give the domains of one moment.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, ndjson
    }

    @Argument(help: "The file; - or nothing for standard output.") var file: String = "-"
    @Option(help: "csv or ndjson. (default: by the file's name, else csv)") var format: Format?
    @Flag(help: "With csv: a byte order mark, and an apostrophe before what would be a formula.")
    var forSpreadsheet = false
    @Option(help: "Only those in this location.") var location: String?
    @Option(help: "Only names below this one, or itself.") var suffix: String?
    @Option(help: "Only names that have this text somewhere.") var contains: String?
    @Option(help: "As of a time, RFC 3339.") var at: String?
    @Option(help: "As of a revision.") var revision: NamedRevision?
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard !forSpreadsheet || !isNDJSON else {
            throw ValidationError("--for-spreadsheet goes with csv.")
        }
    }

    func run() async throws {
        let output = try OutputFile(file)
        try await client.withClient { registry in
            var count = 0
            if !isNDJSON {
                try output.write(CSV.header(Domain.importColumns, forSpreadsheet: forSpreadsheet))
            }
            var cursor: String?
            repeat {
                let page = try await registry.domains(
                    filter: [
                        ("location", location), ("suffix", suffix), ("contains", contains),
                        ("at", at), ("revision", revision?.description),
                    ], limit: 1000, cursor: cursor)
                var lines: [UInt8] = []
                for domain in page.items { append(domain, to: &lines) }
                try output.write(lines)
                count += page.items.count
                cursor = page.nextCursor
            } while cursor != nil
            try output.keep()
            StandardError.write("\(count) domains\n")
        }
    }

    private var isNDJSON: Bool {
        format.map { $0 == .ndjson } ?? (file.hasSuffix(".ndjson") || file.hasSuffix(".jsonl"))
    }

    private func append(_ domain: Domain, to lines: inout [UInt8]) {
        guard isNDJSON else {
            return domain.append(
                Domain.importColumns, forSpreadsheet: forSpreadsheet, to: &lines)
        }
        lines += domain.json + "\n".utf8
    }
}
