import Foundation
import RegistryAPI
import RegistryClient
import Testing

/// What a command of the binary has left behind.
struct CommandRun: Sendable {
    let exit: ChildProcess.Exit
    let output: String
    let errors: String

    /// Of stdout. CSV ends its lines with CRLF, which is one character and not an LF.
    var lines: [String] { output.split(whereSeparator: \.isNewline).map(String.init) }

    /// Runs a command to its end, as a shell would.
    static func run(
        _ arguments: [String], in folder: TestFolder, environment: [String: String] = [:],
        input: URL? = nil
    ) async throws -> CommandRun {
        let process = try ChildProcess(
            TenantRegistryBinary.url, arguments, outputs: folder.url, environment: environment,
            input: input)
        let exit = try await process.waitForExit(within: .seconds(60))
        return CommandRun(exit: exit, output: process.output, errors: process.errors)
    }

    func decodeOutput<Value: Decodable>(_: Value.Type) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(output.utf8))
    }

    func readOutput<Value: Shape>(_: Value.Type) throws -> Value {
        try Value(json: output.utf8)
    }

    /// The output's lines, as JSON objects.
    func objects() throws -> [[String: String]] {
        try lines.map(Self.object)
    }

    private static func object(_ line: String) throws -> [String: String] {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(value as? [String: Any]).mapValues { "\($0)" }
    }
}

extension ServerProcess {
    /// Runs a command against this server, as its admin.
    func run(_ arguments: String..., input: URL? = nil) async throws -> CommandRun {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: URL? = nil) async throws -> CommandRun {
        try await CommandRun.run(
            arguments, in: folder,
            environment: [
                "TENANT_REGISTRY_SERVER": url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": data.path,
            ], input: input)
    }

    /// Runs a command that has to succeed.
    func succeed(_ arguments: String..., input: URL? = nil) async throws -> CommandRun {
        let run = try await run(arguments, input: input)
        try #require(run.exit == .code(0), "\(arguments): \(run.errors)")
        return run
    }
}
