import ArgumentParser
import AsyncHTTPClient
import Foundation
import RegistryClient
import RegistryModel

/// How a command finds the service, and what it shows as its own.
struct ClientOptions: ParsableArguments {
    @Option(help: "Where the service is. (default: http://127.0.0.1:8080)")
    var server: String?

    @Option(help: "The access token. Better in TENANT_REGISTRY_TOKEN or a file: others see flags.")
    var token: String?

    @Option(
        help: "A file that holds the access token. (default: <data-dir>/admin-token, if it's there)"
    )
    var tokenFile: String?

    @Option(help: "The service's data folder, to find the first admin token. (default: data)")
    var dataDir: String?

    @Option(help: "A JSON file with any of these settings.")
    var config: String?

    /// Runs `body` with a client, and turns what the client throws into exit codes.
    func withClient(_ body: (RegistryClient) async throws -> Void) async throws {
        let settings = try await Settings(file: config)
        let url = try ServiceURL.read(
            settings.text(server, "server", default: "http://127.0.0.1:8080"), "server")

        let token = try AccessToken(flag: token, file: tokenFile, folder: dataDir).find(settings)
        var configuration = HTTPClient.Configuration()
        // By default a refused connection is tried again for 10 s before anybody hears of it.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let client = RegistryClient(base: url, token: token, http: http)
        let result: Result<Void, any Error>
        do {
            try await body(client)
            result = .success(())
        } catch {
            result = .failure(Self.failure(error))
        }
        try? await http.shutdown()
        try result.get()
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case ClientError.refused(let refusal): CommandFailure.refused(refusal.description)
        case ClientError.unreachable: CommandFailure.unreachable("\(error)")
        case ClientError.unreadable: CommandFailure.failed("\(error)")
        default: error
        }
    }
}

/// Where the access token comes from.
struct AccessToken {
    let flag: String?
    let file: String?
    /// The service's data folder, where the first admin token is.
    let folder: String?

    /// - Returns: nil where there is none.
    func find(_ settings: Settings) throws -> String? {
        if let token = try settings.text(flag, "token") { return token }
        let path: String
        if let file = try settings.text(file, "token-file") {
            path = file
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw CommandFailure.usage("--token-file: \(path) can't be read")
            }
        } else {
            path =
                try settings.text(folder, "data-dir", default: "data") + "/" + AdminTokenFile.name
        }
        return (try? String(contentsOfFile: path, encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Why, for every command that writes.
struct NoteOptions: ParsableArguments {
    @Option(help: "Why; at most 500 characters. Recorded in history.")
    var reason: String?

    @Option(help: "A ticket; at most 100 characters. Recorded in history.")
    var ticket: String?

    var note: Note { Note(reason: reason, ticket: ticket) }
}

/// How a list is shown.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, ndjson, csv
}

struct OutputOptions: ParsableArguments {
    @Option(help: "table, json, ndjson or csv.")
    var output: OutputFormat = .table
}
