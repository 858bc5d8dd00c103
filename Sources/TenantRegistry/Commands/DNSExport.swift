import ArgumentParser
import DurableFiles
import NIOCore
import RegistryAPI
import RegistryClient

/// `tenant-registry dns export`
struct DNSExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a zone as the registry has it, to stdout or a file.",
        discussion: """
            zone is a master file (RFC 1035), octodns its YAML, records a record set a line (NDJSON). What had to be left out \
            is said on stderr too. A file that is there is replaced when the export is whole; what is no regular file is \
            written into.
            """)

    @Argument(help: "The file; - or nothing for standard output.") var file: String = "-"
    @OptionGroup var zone: ZoneOptions
    @Option(help: "zone, octodns or records.") var format: ZoneFormat = .zone
    @OptionGroup var client: ClientOptions

    func validate() throws {
        try zone.requireAll()
    }

    func run() async throws {
        let base = try zone.baseBytes()
        let output = try OutputFile(file)
        try await client.withClient { registry in
            var lines = LineSplitter()
            let position = try await registry.exportZone(format, zone.query(registry), base: base) {
                piece in
                try output.write(Array(piece.readableBytesView))
                guard format != .records else { return }
                for line in lines.lines(in: piece) {
                    let text = String(decoding: line, as: UTF8.self)
                    if let remark = Self.remark(text) { StandardError.write(remark + "\n") }
                }
            }
            try output.keep()
            let revision = position.map { "\($0.revision)" } ?? "an unknown one"
            StandardError.write("\(zone.zone) through revision \(revision)\n")
        }
    }

    /// What the server says in a comment about a name, and not what it says about the file.
    private static func remark(_ line: String) -> String? {
        guard line.hasPrefix("; ") || line.hasPrefix("# ") else { return nil }
        let text = line.dropFirst(2)
        return text.hasPrefix("left out: ") || text.hasPrefix("outside of the zone: ")
            ? String(text) : nil
    }
}

extension ZoneFormat: ExpressibleByArgument {}
