import ArgumentParser
import Foundation
import RegistryClient
import RegistryWire

/// `tenant-registry export`
struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write every domain to stdout or a file.",
        discussion: """
            csv has the columns that import reads: fqdn,location,tenant. ndjson has every field. \
            The pages are read one after the other: what changes meanwhile may show old or new, but \
            not with --at or --revision, which give the domains of one moment.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, ndjson
    }

    @Argument(help: "The file; - or nothing for standard output.") var file: String = "-"
    @Option(help: "csv or ndjson. (default: by the file's name, else csv)") var format: Format?
    @Option(help: "Only those in this location.") var location: String?
    @Option(help: "Only names below this one, or itself.") var suffix: String?
    @Option(help: "As of a time, RFC 3339.") var at: String?
    @Option(help: "As of a revision.") var revision: Int64?
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let handle = try open()
        defer { try? handle.close() }
        let isNDJSON =
            format.map { $0 == .ndjson } ?? (file.hasSuffix(".ndjson") || file.hasSuffix(".jsonl"))
        try await client.withClient { registry in
            var count = 0
            if !isNDJSON { try write(CSV.line(["fqdn", "location", "tenant"]), to: handle) }
            var cursor: String?
            repeat {
                let page = try await registry.domains(
                    filter: [
                        ("location", location), ("suffix", suffix), ("at", at),
                        ("revision", revision.map(String.init)),
                    ], limit: 1000, cursor: cursor)
                let text = page.items.map { isNDJSON ? Self.object($0) : Self.line($0) }.joined()
                try write(text, to: handle)
                count += page.items.count
                cursor = page.nextCursor
            } while cursor != nil
            StandardError.write("\(count) domains\n")
        }
    }

    private func write(_ text: String, to handle: FileHandle) throws {
        guard !Descriptor.write(text, to: handle.fileDescriptor) else { return }
        throw CommandFailure.failed("\(file) can't be written: \(String(cString: strerror(errno)))")
    }

    private func open() throws -> FileHandle {
        guard file != "-" else { return .standardOutput }
        guard FileManager.default.createFile(atPath: file, contents: nil),
            let handle = FileHandle(forWritingAtPath: file)
        else { throw CommandFailure.usage("\(file) can't be written") }
        return handle
    }

    private static func line(_ domain: DomainResource) -> String {
        CSV.line([domain.fqdn, domain.location, domain.tenant ?? ""])
    }

    private static func object(_ domain: DomainResource) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("fqdn", domain.fqdn)
        writer.field("location", domain.location)
        writer.field("mode", domain.mode)
        writer.fieldIfPresent("tenant", domain.tenant)
        writer.field("revision", domain.revision)
        writer.field("registered_at", domain.registeredAt)
        writer.field("changed_at", domain.changedAt)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}
