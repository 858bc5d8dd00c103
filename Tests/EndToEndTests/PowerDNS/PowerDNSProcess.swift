import Foundation
import PostgresServer
import Testing

/// Real PowerDNS with `deploy/dns/powerdns.conf`, which asks a registry for each name.
final class PowerDNSProcess: Sendable {
    let folder: TestFolder
    let port: Int
    let process: ChildProcess

    /// - Parameters:
    ///   - registry: the port of `--powerdns-listen`.
    ///   - cacheSeconds: for which it keeps answers.
    static func start(
        in folder: TestFolder, asking registry: Int, cacheSeconds: Int = 0
    ) async throws -> PowerDNSProcess {
        let port = try PostgresServer.freePort()
        let text = try Repository.configuration(
            "deploy/dns/powerdns.conf",
            [
                ("127.0.0.1:8053/", "127.0.0.1:\(registry)/"),
                ("local-address=127.0.0.1, ::1", "local-address=127.0.0.1"),
                ("local-port=53", "local-port=\(port)"),
                ("cache-ttl=10", "cache-ttl=\(cacheSeconds)"),
            ])
        _ = try folder.write(
            text
                + "\nsocket-dir=\(folder.url.path)\nguardian=no\ndaemon=no\nsecurity-poll-suffix=\n",
            to: "pdns.conf")
        let powerDNS = try PowerDNSProcess(folder, port)
        _ = try await poll("PowerDNS answers: \(powerDNS.process.errors)") { () -> Bool? in
            guard powerDNS.process.isRunning else {
                throw ServerProcess.EndedEarly(errors: powerDNS.process.errors)
            }
            return try await powerDNS.ask("kintone.com", "SOA").status == "NOERROR" ? true : nil
        }
        return powerDNS
    }

    private init(_ folder: TestFolder, _ port: Int) throws {
        self.folder = folder
        self.port = port
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/sbin/pdns_server"), ["--config-dir=\(folder.url.path)"],
            outputs: folder.url, endsBy: SIGTERM)
    }

    struct Reply: Equatable, CustomStringConvertible {
        /// `NOERROR`, `NXDOMAIN`, …
        var status = ""
        /// `A 192.0.2.10`, in the answer section, sorted.
        var records: [String] = []

        var description: String { "\(status) \(records)" }
    }

    /// Asks with dig, as a resolver does.
    func ask(_ name: String, _ type: String) async throws -> Reply {
        let output = try await Tool.run(
            [
                "dig", "@127.0.0.1", "-p", "\(port)", "+norecurse", "+noall",
                "+comments", "+answer", "+tries=1", "+time=10", name, type,
            ],
            in: folder
        ).output
        var reply = Reply()
        for line in output.split(separator: "\n") {
            if let status = line.firstMatch(of: /status: ([A-Z]+)/) {
                reply.status = String(status.1)
            } else if !line.hasPrefix(";") {
                let fields = line.split(maxSplits: 4, whereSeparator: \.isWhitespace)
                if fields.count == 5 { reply.records.append("\(fields[3]) \(fields[4])") }
            }
        }
        reply.records.sort()
        return reply
    }

    /// Every record that a transfer has, in the order in which they come.
    func transfer(_ zone: String) async throws -> [String] {
        let output = try await Tool.run(
            [
                "dig", "@127.0.0.1", "-p", "\(port)", "+noall", "+answer", zone,
                "AXFR",
            ], in: folder
        ).output
        return ZoneLines.all(in: output)
    }
}
