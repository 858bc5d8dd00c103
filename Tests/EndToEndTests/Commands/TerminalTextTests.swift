import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("Text from elsewhere", .runningServer) struct TerminalTextTests {
    /// Clears the screen, sets the title, turns the text round, and begins a line of its own.
    private static let hostile = "\u{1B}[2J\u{1B}]0;x\u{7}\u{9B}31m\u{202E}\u{2066}\u{2028}\u{7F}"

    private static func isClean(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0 == "\n" || $0 == "\t"
                || ![.control, .format, .lineSeparator, .paragraphSeparator].contains(
                    $0.properties.generalCategory)
        }
    }

    @Test(arguments: ["names.csv", "names.ndjson"])
    func `of an import's bad rows steers no terminal`(name: String) async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let rows =
            name.hasSuffix("csv")
            ? "fqdn,tenant\n\(Self.hostile).example.com,t\n\"a\nline 9: b\".example.com,t\nx.\(Self.hostile)\n"
            : """
            {"fqdn":"\\u001b[2J\\u202e.example.com"}
            {"fqdn":"\\nline 9: a.example.com"}
            {"fqdn":"a.example.com","\\u001b[2J":1}
            \(Self.hostile)
            """
        let file = try folder.write(rows, to: name)
        let run = try await server.run(["import", file.path])
        #expect(run.exit == .code(1))
        #expect(Self.isClean(run.errors), "\(Array(run.errors.utf8))")
        #expect(run.errors.contains("\\u001b[2J"))
        #expect(!run.errors.contains("\nline 9: "))
    }

    @Test func `of other files and arguments steers none either`() async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let list = try folder.write("\(Self.hostile)\n", to: "list").path
        let header = try folder.write("\(Self.hostile)\n", to: "header.csv").path
        for arguments in [
            ["migrations", "plan", "--from", "japan", "--to", "aws", "--file", list],
            ["import", header], ["domains", "get", Self.hostile],
            ["domains", "list", "--mode", Self.hostile], ["stats", "--output", Self.hostile],
            ["export", "/nowhere/\(Self.hostile)"], [Self.hostile],
        ] {
            let run = try await server.run(arguments)
            #expect(run.exit != .code(0))
            #expect(Self.isClean(run.errors) && !run.errors.isEmpty, "\(arguments[0])")
        }
        let explained = try await server.run("domains", "explain", Self.hostile)
        #expect(Self.isClean(explained.output) && Self.isClean(explained.errors))
    }

    @Test func `from the server is cleaned in tables, and exact in data`() async throws {
        let server = try RunningServer.current
        let tenant = "acme\u{202E}\u{2028}\u{2066}"
        _ = try await server.client.register(
            DomainRegistration(fqdn: "a.bidi.example.com", placement: PlacementText(tenant: tenant))
        )
        let filter = ["domains", "list", "--suffix", "bidi.example.com", "--output"]
        let table = try await server.run(filter + ["table"])
        #expect(Self.isClean(table.output) && table.output.contains("acme\\u202e\\u2028\\u2066"))
        for format in ["json", "ndjson", "csv"] {
            #expect(try await server.run(filter + [format]).output.contains(tenant))
        }
        let history = try await server.run(["domains", "history", "a.bidi.example.com"])
        #expect(Self.isClean(history.output) && history.output.contains("acme\\u202e"))
    }

    @Test(.enabled(if: Terminal.script != nil), arguments: ["json", "ndjson", "csv", "table"])
    func `is cleaned in every format on a terminal, and JSON stays the same`(
        format: String
    ) async throws {
        let server = try RunningServer.current
        let parent = "\(format).tty.example.com"
        let tenant = "日本\u{202E}\u{85}x".replacing("\u{85}", with: "\u{2028}")
        _ = try await server.client.register(
            DomainRegistration(fqdn: "a.\(parent)", placement: PlacementText(tenant: tenant)))
        let command = [
            TenantRegistryBinary.url.path, "domains", "history", "a.\(parent)", "--output", format,
        ]
        let process = try ChildProcess(
            URL(fileURLWithPath: try #require(Terminal.script)),
            ["-qec", command.joined(separator: " "), "/dev/null"], outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path, "TERM": "xterm",
            ])
        #expect(try await process.waitForExit() == .code(0))
        let shown = process.output.replacing("\r\n", with: "\n")
        #expect(Self.isClean(shown), "\(Array(shown.utf8))")
        #expect(shown.contains("日本\\u202e\\u2028x"))
        if format == "json" {
            let items = try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? [[String: Any]]
            let after = items?.first?["after"] as? [String: Any]
            #expect(after?["tenant"] as? String == tenant)
        }
    }
}
