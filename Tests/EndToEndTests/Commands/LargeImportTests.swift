import Foundation
import RegistryClient
import Testing

@Suite("A large import") struct LargeImportTests {
    static let names = (0..<20_000).map { "t\($0).large.example.com" }

    @Test(.timeLimit(.minutes(15)))
    func `of 20,000 names survives a crash of the server, and exports again`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let rows = Self.names.enumerated().map { "\($1),\($0 % 3 == 0 ? "aws" : "japan"),t\($0)" }
        // The second half is held back until the server is gone: it can't all be there before.
        let pipe = folder.file("large.csv")
        try #require(mkfifo(pipe.path, 0o600) == 0)
        let rest = DispatchSemaphore(value: 0)
        Self.feed(
            pipe, "fqdn,location,tenant\n" + rows[..<10_000].joined(separator: "\n"),
            then: "\n" + rows[10_000...].joined(separator: "\n") + "\n", after: rest)
        let outputs = try TestFolder()
        let run = try ChildProcess(
            TenantRegistryBinary.url, ["import", pipe.path], outputs: outputs.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        _ = try await poll("the first batch") {
            try await server.client.statistics().total > 0 ? true : nil
        }
        try await server.crash()
        rest.signal()
        _ = try await poll("a lost answer") { run.errors.contains("trying again") ? true : nil }
        let again = try await ServerProcess.start(in: folder, port: server.port)
        #expect(try await run.waitForExit(within: .minutes(2)) == .code(0), "\(run.errors)")
        #expect(run.errors.hasSuffix("20000 registered, 0 refused\n"))
        let observation = try await Observation(of: again.client)
        #expect(observation.contradictions == [])
        #expect(Set(observation.domains.keys) == Set(Self.names))
        #expect(observation.history.count == Self.names.count + 1)

        try await exportsAgain(again, folder)
    }

    private static func feed(
        _ pipe: URL, _ text: String, then more: String, after signal: DispatchSemaphore
    ) {
        // Opening and writing wait for the reader.
        Thread.detachNewThread {
            guard let handle = try? FileHandle(forWritingTo: pipe) else { return }
            try? handle.write(contentsOf: Data(text.utf8))
            signal.wait()
            try? handle.write(contentsOf: Data(more.utf8))
            try? handle.close()
        }
    }

    private func exportsAgain(_ server: ServerProcess, _ folder: TestFolder) async throws {
        let other = try await ServerProcess.start(in: folder, data: folder.file("other"))
        let file = folder.file("export.csv")
        let export = try await server.succeed("export", file.path)
        #expect(export.output == "")
        #expect(export.errors == "20000 domains\n")
        _ = try await other.succeed("import", file.path)
        let piped = try await other.succeed("export")
        #expect(piped.output == (try String(contentsOf: file, encoding: .utf8)))
    }
}
