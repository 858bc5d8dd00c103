import Foundation
import RegistryClient
import Testing

@Suite("tenant-registry drift", .timeLimit(.minutes(15))) struct DriftCommandTests {
    private static func fill(_ server: ServerProcess, _ folder: TestFolder) async throws {
        let rows = ["a,aws", "b,aws", "c,aws", "j,japan"]
            .map { $0.replacing(",", with: ".drift.example.com,") }
        let file = try folder.write(
            "fqdn,location\n" + rows.joined(separator: "\n"), to: "import.csv")
        _ = try await server.succeed("import", file.path)
    }

    @Test func `shows what differs, and exits with 1`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        try await Self.fill(server, folder)
        let list = try folder.write(
            "A.drift.example.com\nj.drift.example.com\nx.drift.example.com\nno name\n",
            to: "names.txt")
        let table = try await server.run("drift", "--location", "aws", list.path)
        #expect(table.exit == .code(1))
        #expect(
            table.output == """
                FQDN                 FINDING    REGISTERED
                j.drift.example.com  elsewhere  japan
                x.drift.example.com  unknown
                no name              invalid
                b.drift.example.com  missing
                c.drift.example.com  missing

                """)
        #expect(
            table.errors.contains(
                "tenant-registry: 2 missing, 1 elsewhere, 1 unknown, 1 invalid, at revision"))
        let piped = try await server.run(
            "drift", "--location", "aws", "-", "--output", "ndjson", input: list)
        #expect(piped.exit == .code(1))
        #expect(
            piped.lines.first
                == #"{"fqdn":"j.drift.example.com","finding":"elsewhere","registered":"japan"}"#)
        #expect(piped.lines.count == 5)
        let json = try await server.run(
            "drift", "--location", "japan", "-", "--output", "json",
            input: folder.write("", to: "empty"))
        #expect(
            json.output == #"[{"fqdn":"j.drift.example.com","finding":"missing"}]"# + "\n")
        try await server.crash()
    }

    @Test func `exits with 0 where nothing does, whatever the list is written in`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        try await Self.fill(server, folder)
        let names = ["a", "b", "c"].map { "\($0).drift.example.com" }
        let lists = [
            ("names", names.joined(separator: "\n"), []),
            ("names.csv", "fqdn\n" + names.joined(separator: "\n"), []),
            ("names.ndjson", names.map { "{\"fqdn\":\"\($0)\"}\n" }.joined(), []),
            ("names.jsonl", names.map { "{\"fqdn\":\"\($0)\",\"x\":1}\n" }.joined(), []),
            ("names.txt", "fqdn\n" + names.joined(separator: "\n"), ["--format", "csv"]),
        ]
        for (name, text, arguments) in lists {
            let file = try folder.write(text, to: name)
            let run = try await server.run(["drift", "--location", "aws", file.path] + arguments)
            #expect(run.exit == .code(0), "\(name): \(run.errors)")
            #expect(run.lines == ["FQDN  FINDING  REGISTERED"])
            #expect(run.errors.hasPrefix("nothing differs: 0 missing"))
        }
        // Every export of a location is a list of it.
        let export = folder.file("aws.csv")
        _ = try await server.succeed("export", export.path, "--location", "aws")
        _ = try await server.succeed("drift", "--location", "aws", export.path)
        try await server.crash()
    }

    @Test func `tells a difference from what kept it from looking`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        try await Self.fill(server, folder)
        let list = try folder.write("a.drift.example.com\n", to: "names.csv").path
        let usage: [[String]] = [
            ["drift", list], ["drift", "--location", "aws"],
            ["drift", "--location", "aws", "nowhere.txt"],
            ["drift", "--location", "aws", folder.url.path],
            ["drift", "--location", "aws", list, "--format", "xml"],
        ]
        for arguments in usage {
            #expect(try await server.run(arguments).exit == .code(2), "\(arguments)")
        }
        let unknown = try await server.run(
            "drift", "--location", "mars", list, "--format", "text")
        #expect(unknown.exit == .code(3) && unknown.errors.contains("there is no location mars"))
        let table = try await server.run("drift", "--location", "aws", list)
        #expect(table.exit == .code(3) && table.errors.contains("must name the columns"))
        try await server.crash()
        let nobody = try await server.run("drift", "--location", "aws", list)
        #expect(nobody.exit == .code(4))
    }

    @Test func `exits with 4 where the service ends in the middle of the list`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        try await Self.fill(server, folder)
        let pipe = folder.file("names")
        try #require(mkfifo(pipe.path, 0o600) == 0)
        let rest = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            guard let handle = try? FileHandle(forWritingTo: pipe) else { return }
            // So many findings that the answer begins.
            let text = String(repeating: "_", count: 240)
            try? handle.write(contentsOf: Data(String(repeating: text + "\n", count: 20_000).utf8))
            rest.wait()
            try? handle.close()
        }
        let outputs = try TestFolder()
        let run = try ChildProcess(
            TenantRegistryBinary.url,
            ["drift", "--location", "aws", pipe.path, "--output", "ndjson"],
            outputs: outputs.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        _ = try await poll("findings") { run.output.contains("invalid") ? true : nil }
        try await server.crash()
        #expect(try await run.waitForExit(within: .minutes(1)) == .code(4), "\(run.errors)")
        rest.signal()
        #expect(!run.errors.contains("at revision"))
    }
}
