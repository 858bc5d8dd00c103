import ArgumentParser
import DNSQueries
import NIOPosix
import RegistryAPI
import RegistryClient
import RegistryDNS
import RegistryModel

/// `tenant-registry dns check`
struct DNSCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Ask a DNS server for what it should answer, and print what differs.",
        discussion: """
            Asks for the addresses and names that the registry's picture of the zone has, and for names that aren't there. A \
            line is printed for each difference. The exit code is 0 where there is none, 1 where there is one, 3 where the \
            server doesn't have the zone or the registry says no, and 4 where either doesn't answer. What a server has \
            beyond the picture isn't found: dns diff finds it.
            """)

    @OptionGroup var zone: ZoneOptions
    @Option(help: "Whom to ask: 127.0.0.1:53, [2001:db8::53]:53; without a port, 53.")
    var dnsServer: String
    @Flag(help: "The server is a resolver: it's asked to ask others, and its TTLs may be lower.")
    var throughResolver = false
    @Option(parsing: .upToNextOption, help: "Only these names.") var only: [String] = []
    @Option(help: "Only the names in this file; - for standard input.") var names: String?
    @Option(help: "Of that file: text, csv or ndjson. (default: by its name, else text)")
    var namesFormat: NameListFormat?
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard NameServerAddress(dnsServer) != nil else {
            throw ValidationError(
                "--dns-server: an address is expected, as 127.0.0.1:53 or [2001:db8::53]:53.")
        }
        guard only.isEmpty || names == nil else {
            throw ValidationError("One of --only and --names is expected.")
        }
    }

    func run() async throws {
        guard let server = NameServerAddress(dnsServer) else { return }
        let zoneName = try zone.name()
        let chosen = try chosenNames(in: zoneName)
        let check = ZoneCheck(
            queries: NameServerQueries(server, isRecursive: throughResolver), ttl: zone.ttl)
        try await client.withClient { registry in
            let exported = try await ExportedZone.read(
                zone, base: zone.baseBytes(), from: registry)
            let names =
                chosen.map { ZoneCheck.names($0, exported, zone: zoneName) }
                ?? ZoneCheck.names(exported, zone: zoneName, madeUp: Self.madeUpLabel())
            // It blocks its thread.
            let (serial, result) = try await NIOThreadPool.singleton.runIfActive {
                (try check.serial(of: zoneName), try check.check(names))
            }
            exported.sayLeftOut()
            for line in result.differences { StandardOutput.write(line + "\n") }
            let place = "\(zoneName) on \(server), serial \(serial)"
            guard !result.gaveUp else {
                throw CommandFailure.unreachable(
                    "\(place): \(result.silent) of \(result.asked) questions had no answer, and no more were asked: does it limit how much it answers?"
                )
            }
            guard result.silent == 0 else {
                throw CommandFailure.unreachable(
                    "\(place): \(result.silent) of \(result.asked) questions had no answer")
            }
            guard result.differences.isEmpty else {
                throw CommandFailure.failed(
                    "\(place): \(result.differences.count) differences in \(names.count) names, through revision \(exported.revision)"
                )
            }
            StandardError.write(
                "\(place): \(names.count) names, published through revision \(exported.revision)\n")
        }
    }

    /// - Returns: nil where all are wanted.
    private func chosenNames(in zone: String) throws -> [String]? {
        var texts = only
        if let names {
            let format = namesFormat ?? NameListFormat(file: names)
            texts = try ListedNames.read(WholeFile.read(names), format, of: names)
        } else if only.isEmpty {
            return nil
        }
        return try texts.map { text in
            guard let name = try? FQDN(text), name.text == zone || name.text.hasSuffix("." + zone)
            else { throw CommandFailure.usage("\(text) isn't a name of the zone \(zone)") }
            return name.text
        }
    }

    /// So that neither a tenant nor a resolver's memory has it.
    private static func madeUpLabel() -> String {
        "dns-check-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }
}

/// A list of names, read as `drift` reads them.
private enum ListedNames {
    static func read(
        _ bytes: [UInt8], _ format: NameListFormat, of path: String
    ) throws -> [String] {
        var names: [String] = []
        func take(_ name: ListedName) {
            switch name {
            case .name(let text), .unreadable(let text):
                names.append(String(decoding: text, as: UTF8.self))
            }
        }
        var reader = NameListReader(format)
        let result = bytes.withUnsafeBytes { piece in
            Result { () throws(NameListFault) in
                try reader.read(piece, take)
                try reader.finish(take)
            }
        }
        do {
            try result.get()
        } catch {
            throw CommandFailure.usage("\(path): \(error)")
        }
        return names
    }
}
