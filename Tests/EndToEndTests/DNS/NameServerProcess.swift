import Foundation
import PostgresServer
import Testing

/// A real authoritative server with one zone, on a loopback address.
final class NameServerProcess: Sendable {
    let kind: NameServerKind
    let zone: String
    let port: Int
    private let folder: TestFolder
    private let process: ChildProcess

    /// - Parameter file: the zone, as a master file.
    static func start(
        _ kind: NameServerKind, _ zone: String, _ file: String, takesUpdates: Bool = true
    ) async throws -> NameServerProcess {
        let folder = try TestFolder()
        let port = try PostgresServer.freePort()
        _ = try folder.write(file, to: "zone")
        _ = try folder.write(
            "zone \"\(zone)\" { type native; file \"\(folder.file("zone").path)\"; };",
            to: "zones.conf")
        _ = try folder.write(
            kind.configuration(of: zone, folder, port: port, takesUpdates: takesUpdates) + "\n",
            to: kind.configurationName)
        let server = try NameServerProcess(kind, zone, port, folder)
        _ = try await poll("\(kind) answers: \(server.process.errors)") { () -> Bool? in
            guard server.process.isRunning else { throw Ended(errors: server.process.errors) }
            let answer = try await server.dig("+time=1", "+tries=1", zone, "SOA")
            return answer.contains { $0.contains(" SOA ") } ? true : nil
        }
        return server
    }

    struct Ended: Error {
        let errors: String
    }

    private init(
        _ kind: NameServerKind, _ zone: String, _ port: Int, _ folder: TestFolder
    ) throws {
        (self.kind, self.zone, self.port, self.folder) = (kind, zone, port, folder)
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), kind.command(folder), outputs: folder.url,
            environment: [
                "PATH": "/usr/sbin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            ], endsBy: SIGTERM)
    }

    /// What it reads at the start, and when it gets a SIGHUP.
    var zoneFile: URL { folder.file("zone") }

    var pid: pid_t { process.pid }

    var address: String { "127.0.0.1:\(port)" }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }

    /// - Returns: the records of the answer, a line each, with single spaces between what they have.
    func dig(_ arguments: String...) async throws -> [String] {
        try await dig(arguments)
    }

    func dig(_ arguments: [String]) async throws -> [String] {
        let run = try await Tool.run(
            ["dig", "@127.0.0.1", "-p", "\(port)", "+noall", "+answer", "+norecurse"] + arguments,
            in: folder)
        return ZoneLines.all(in: run.output)
    }

    /// What it answers to each question, as the values alone, sorted.
    ///
    /// - Parameter questions: a name and a type.
    func answers(_ questions: [String]) async throws -> [String: [String]] {
        let lines = try await dig(questions.flatMap { $0.split(separator: " ").map(String.init) })
        var answers = Dictionary(uniqueKeysWithValues: questions.map { ($0, [String]()) })
        for line in lines {
            let fields = line.split(separator: " ", maxSplits: 4).map(String.init)
            answers["\(fields[0].dropLast()) \(fields[3])"]?.append(fields[4])
        }
        return answers.mapValues { $0.sorted() }
    }

    /// The zone as it serves it: a file with what `dig AXFR` prints.
    func transfer(to name: String) async throws -> URL {
        let run = try await Tool.run(
            ["dig", "@127.0.0.1", "-p", "\(port)", "+noall", "+answer", zone, "AXFR"], in: folder)
        return try folder.write(run.output, to: name)
    }

    /// Has `nsupdate`, or Knot DNS' own, send what `dns diff` printed.
    func update(_ messages: String) async throws {
        let words = "server 127.0.0.1 \(port)\n" + messages
        let file = try folder.write(words, to: "messages")
        let program = kind == .knot ? "knsupdate" : "nsupdate"
        let run = try await Tool.run([program, "-v", file.path], in: folder)
        #expect(run.output + run.errors == "")
    }
}

/// Other people's programs.
enum Tool {
    struct Failed: Error {
        let command: String
        let said: String
    }

    /// - Throws: `Failed`, unless `codes` has the exit code.
    static func run(
        _ command: [String], in folder: TestFolder, codes: Set<Int32> = [0, 9]
    ) async throws -> (output: String, errors: String) {
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), command, outputs: folder.url)
        let exit = try await process.waitForExit()
        guard codes.contains(where: { exit == .code($0) }) else {
            throw Failed(
                command: command.joined(separator: " "),
                said: "\(exit) \(process.output) \(process.errors)")
        }
        return (process.output, process.errors)
    }
}

/// A zone's records, a line each.
enum ZoneLines {
    /// Without comments, and with single spaces between what a record has.
    static func all(in text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix(";") }.map {
            $0.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        }
    }

    /// All but the SOA, of which a transfer has two and whose serial is whoever's serves it.
    static func content(of text: String) -> [String] {
        all(in: text).filter { !$0.contains(" IN SOA ") }.sorted()
    }
}
