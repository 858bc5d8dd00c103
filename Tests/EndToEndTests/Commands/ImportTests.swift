import Foundation
import RegistryAPI
import RegistryClient
import Testing

@Suite("An import", .runningServer) struct ImportTests {
    /// Domains below a parent that the test has for itself, as "name location tenant".
    private static func below(_ parent: String) async throws -> [String] {
        let registry = try RunningServer.current.client
        return try await registry.domains(filter: [("suffix", parent)], limit: 1000).items.map {
            let name = $0.fqdn.text.dropLast(parent.utf8.count + 1)
            return "\(name) \($0.location) \($0.tenant ?? "-")"
        }
    }

    private static func importing(
        _ text: String, as name: String = "names.csv", _ arguments: String...
    ) async throws -> CommandRun {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let file = try folder.write(text, to: name)
        return try await server.run(["import", file.path] + arguments)
    }

    @Test(arguments: [
        (
            "fqdn,location,tenant\na.PARENT,aws,acme\nb.PARENT,japan,\n",
            ["a aws acme", "b japan -"]
        ),
        ("tenant,fqdn\nacme,a.PARENT\n", ["a japan acme"]),
        ("fqdn\na.PARENT\nb.PARENT", ["a japan -", "b japan -"]),
        (" FQDN , Location\r\n a.PARENT , aws \r\n", ["a aws -"]),
        ("\u{FEFF}fqdn,tenant\r\na.PARENT,acme\r\n", ["a japan acme"]),
        ("\u{FEFF}\"fqdn\",\"tenant\"\na.PARENT,acme\n", ["a japan acme"]),
        (
            "fqdn,tenant\n\n  \n\"a.PARENT\",\"say \"\"hi\"\", now\"\n\r\n",
            ["a japan say \"hi\", now"]
        ),
        ("fqdn,location,tenant\na.PARENT\nb.PARENT,aws\n", ["a japan -", "b aws -"]),
        ("fqdn,tenant\nA.Parent.,Ünïcode\n", ["a japan Ünïcode"]),
    ])
    func `reads CSV as people write it`(text: String, expected: [String]) async throws {
        let parent = "p\(UInt32.random(in: 0...UInt32.max)).example.com"
        // Somebody else's tenant of this name may live elsewhere.
        let (text, expected) = (
            text.replacing("acme", with: "acme-\(parent)"),
            expected.map { $0.replacing("acme", with: "acme-\(parent)") }
        )
        let run = try await Self.importing(
            text.replacing("PARENT", with: parent).replacing("Parent", with: parent))
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.output == "")
        #expect(run.errors.hasSuffix("\(expected.count) registered, 0 refused\n"))
        #expect(try await Self.below(parent) == expected)
    }

    @Test(arguments: ["", "\u{FEFF}"])
    func `reads NDJSON`(mark: String) async throws {
        let parent = "n\(mark.utf8.count).example.com"
        let text =
            mark + """
                {"fqdn":"a.\(parent)","location":"aws","tenant":"acme-ndjson"}

                {"fqdn":"b.\(parent)"}\r
                {"fqdn":"c.\(parent)","tenant":null}
                """
        let run = try await Self.importing(text, as: "names.ndjson")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(try await Self.below(parent) == ["a aws acme-ndjson", "b japan -", "c japan -"])
    }

    @Test func `reports each bad row of a CSV file, and imports the rest`() async throws {
        let parent = "badcsv.example.com"
        let run = try await Self.importing(
            """
            fqdn,location,tenant
            ok1.\(parent),aws,acme
            bad name.\(parent)

            www.\(parent)
            ok1.\(parent)
            x.\(parent),moon
            ,aws
            y.\(parent),aws,acme,more
            z.\(parent),aws,"acme
            w.\(parent),aws,5" disk
            -a.\(parent)
            ok2.\(parent)
            """)
        #expect(run.exit == .code(1))
        #expect(run.output == "")
        let reports = run.errors.split(separator: "\n").filter { $0.hasPrefix("line ") }.map {
            String($0.prefix { $0 != "(" }).trimmingCharacters(in: .whitespaces)
        }
        #expect(
            Set(reports) == [
                "line 3: bad name.\(parent): invalid-fqdn",
                "line 5: www.\(parent): domain-reserved",
                "line 6: ok1.\(parent): domain-taken",
                "line 7: x.\(parent): unknown-location",
                "line 8: : invalid-fqdn",
                "line 9: y.\(parent),aws,acme,more: invalid-row",
                "line 10: z.\(parent),aws,\"acme: invalid-row",
                "line 12: -a.\(parent): invalid-fqdn",
            ])
        #expect(run.errors.contains("3 registered, 8 refused\n"))
        #expect(
            try await Self.below(parent) == ["ok1 aws acme", "ok2 japan -", "w aws 5\" disk"])
    }

    @Test func `reports each bad row of an NDJSON file, and imports the rest`() async throws {
        let parent = "badjson.example.com"
        let run = try await Self.importing(
            """
            {"fqdn":"ok1.\(parent)"}
            {"fqdn":"x.\(parent)"
            {"fqdn":"x.\(parent)","fqdn":"y.\(parent)"}
            {"fqdn":"x.\(parent)","colour":"red"}
            ["x.\(parent)"]
            {"location":"aws"}
            {"fqdn":42}
            {"fqdn":"bad_name.\(parent)"}
            {"fqdn":"x.\(parent)","tenant":"a\\u0000b"}
            {"fqdn":"ok2.\(parent)"}
            """, as: "names.jsonl")
        #expect(run.exit == .code(1))
        let reports = run.errors.split(separator: "\n").filter { $0.hasPrefix("line ") }
        for (line, code) in [
            (2, "invalid-json"), (3, "invalid-json"), (4, "invalid-row"), (5, "invalid-row"),
            (6, "invalid-row"), (7, "invalid-row"), (8, "invalid-fqdn"), (9, "invalid-tenant"),
        ] {
            #expect(
                reports.contains { $0.hasPrefix("line \(line): ") && $0.contains(code) },
                "line \(line): \(code) in \(reports)")
        }
        #expect(reports.count == 8)
        #expect(try await Self.below(parent) == ["ok1 japan -", "ok2 japan -"])
    }

    @Test(arguments: [
        "", "name,location\na.example.com,aws\n", "fqdn,fqdn\na.example.com,b.example.com\n",
        "a.example.com\n", "colour\nred\n",
    ])
    func `refuses a CSV file without a proper header line`(text: String) async throws {
        let run = try await Self.importing(text)
        #expect(run.exit == .code(2))
        #expect(run.errors.contains("first line"))
    }

    @Test func `counts what it leaves behind, and ends with 1`() async throws {
        let parent = "left.example.com"
        let run = try await Self.importing(
            "fqdn,colour,mode,note,\na.\(parent),red,reject,,\nb.\(parent),,,,\nc.\(parent),blue,,,x\n"
        )
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("left behind: a column without a name, with 1 value\n"))
        #expect(run.errors.contains("left behind: column colour, with 2 values\n"))
        #expect(run.errors.contains("left behind: column note, with 0 values\n"))
        #expect(run.errors.contains("3 registered, 0 refused\n"))
        #expect(run.errors.hasSuffix("tenant-registry: 3 columns left behind\n"))
        #expect(try await Self.below(parent) == ["a japan -", "b japan -", "c japan -"])
    }

    @Test func `refuses a mode that there isn't`() async throws {
        let run = try await Self.importing(
            "fqdn,mode\na.mode.example.com,closed\nb.mode.example.com,read_only\n")
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("line 2: a.mode.example.com: invalid-mode"))
        let registry = try RunningServer.current.client
        #expect(try await registry.domain("b.mode.example.com").value.mode == .readOnly)
        let history = try await RunningServer.current.succeed(
            "domains", "history", "b.mode.example.com", "--output", "csv")
        #expect(history.output.contains(",registered,b.mode.example.com,,,,japan,read_only,"))
    }

    @Test(arguments: [
        (["export", "--format", "csv"], "x.csv"), (["export", "--format", "ndjson"], "x.ndjson"),
        (["domains", "list", "--output", "csv"], "x.csv"),
        (["domains", "list", "--for-spreadsheet", "--output", "csv"], "x.csv"),
        (["export", "--for-spreadsheet"], "x.csv"),
        (["domains", "list", "--output", "ndjson"], "x.jsonl"),
    ])
    func `takes every export of domains, modes and all`(
        command: [String], name: String
    ) async throws {
        let server = try RunningServer.current
        let label = command.joined().filter { $0.isLetter }
        let parent = "\(label).example.com"
        let first = try await Self.importing(
            "fqdn,location,tenant,mode\na.\(parent),aws,t,reject\nb.\(parent),japan,,read_only\nc.\(parent),,\"=x,\"\"y\",serve\n"
        )
        #expect(first.exit == .code(0), "\(first.errors)")
        let exported = try await server.run(command + ["--suffix", parent])
        let isForSpreadsheet = command.contains("--for-spreadsheet")
        #expect(exported.output.contains("'=x") == isForSpreadsheet)
        #expect(exported.output.hasPrefix("\u{FEFF}") == isForSpreadsheet)
        let folder = try TestFolder()
        let other = try await ServerProcess.start(in: folder)
        let file = try folder.write(exported.output, to: name)
        let run = try await other.run("import", file.path)
        #expect(run.exit == .code(0), "\(run.errors)")
        let facts = { (server: ServerProcess) in
            try await server.client.domains(filter: [("suffix", parent)], limit: 10).items.map {
                "\($0.fqdn) \($0.location) \($0.mode) \($0.tenant ?? "-")"
            }
        }
        let expected = try await facts(server)
        #expect(expected.count == 3 && expected[0].contains("reject"))
        #expect(try await facts(other) == expected)
        #expect(
            run.errors.contains("not carried over") == (exported.output.contains("registered_at")))
    }

    @Test func `takes bytes that aren't UTF-8 for a bad row`() async throws {
        let server = try RunningServer.current
        let file = try TestFolder()
        try Data("fqdn\ncaf".utf8 + [0xE9] + ".latin.example.com\nok.latin.example.com\n".utf8)
            .write(to: file.file("latin.csv"))
        let run = try await server.run("import", file.file("latin.csv").path)
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("line 2: "))
        #expect(try await Self.below("latin.example.com") == ["ok japan -"])
    }

    @Test func `reads standard input`() async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let csv = try folder.write("fqdn\na.stdin.example.com\n", to: "x")
        _ = try await server.succeed("import", "-", input: csv)
        let ndjson = try folder.write(#"{"fqdn":"b.stdin.example.com"}"#, to: "y")
        _ = try await server.succeed(
            "import", "-", "--format", "ndjson", "--reason", "by pipe", input: ndjson)
        #expect(try await Self.below("stdin.example.com") == ["a japan -", "b japan -"])
        let history = try await server.succeed("domains", "history", "b.stdin.example.com")
        #expect(history.output.contains("by pipe"))
    }

    @Test func `refuses a file that isn't there`() async throws {
        let run = try await RunningServer.current.run("import", "/nowhere/names.csv")
        #expect(run.exit == .code(2))
        #expect(run.errors.contains("/nowhere/names.csv"))
    }
}
