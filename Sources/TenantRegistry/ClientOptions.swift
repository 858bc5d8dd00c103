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

    @Option(
        help:
            "PEM file of the authorities that the service's certificate may come from. (default: SSL_CERT_FILE and SSL_CERT_DIR, the system's)"
    )
    var caFile: String?

    @Option(help: "A JSON file with any of these settings.")
    var config: String?

    /// Runs `body` with a client, and turns what the client throws into exit codes.
    func withClient(_ body: (RegistryClient) async throws -> Void) async throws {
        let settings = try await Settings(file: config)
        let address = try settings.text(server, "server", default: "http://127.0.0.1:8080")
        let url = try ServiceAddress.read(address, "server")
        let token = try AccessToken(flag: token, file: tokenFile, folder: dataDir).find(settings)
        var configuration = HTTPClient.Configuration()
        // By default a refused connection is tried again for 10 s before anybody hears of it.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tlsConfiguration = try TrustedAuthorities.configuration(
            caFile, settings, for: url)
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
        case ClientError.refused(let refusal) where refusal.isForApproval:
            CommandFailure.unapproved(refusal.description)
        case ClientError.refused(let refusal): CommandFailure.refused(refusal.description)
        case ClientError.unreachable: CommandFailure.unreachable("\(error)")
        case ClientError.unreadable: CommandFailure.failed("\(error)")
        default: error
        }
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
    /// CSV that people open: `--output csv --for-spreadsheet`.
    case spreadsheet

    static let allCases: [OutputFormat] = [.table, .json, .ndjson, .csv]

    init?(argument: String) {
        guard let format = Self.allCases.first(where: { $0.rawValue == argument }) else {
            return nil
        }
        self = format
    }
}

struct OutputOptions: ParsableArguments {
    @Option(name: .customLong("output"), help: "table, json, ndjson or csv.")
    var chosen: OutputFormat = .table

    @Flag(help: "With csv: a byte order mark, and an apostrophe before what would be a formula.")
    var forSpreadsheet = false

    var output: OutputFormat { forSpreadsheet ? .spreadsheet : chosen }

    func validate() throws {
        guard !forSpreadsheet || chosen == .csv else {
            throw ValidationError("--for-spreadsheet goes with --output csv.")
        }
    }
}

extension Refusal {
    /// Whether the same may be done later.
    fileprivate var isPassing: Bool { status == 503 && code != "store-limit" }

    /// Whether somebody else has to approve the wave first.
    var isForApproval: Bool { code == "approval-required" }
}

/// Sends again where nobody answered, or where the service asked to come back later. For calls with
/// an `Idempotency-Key`: an answer that was lost isn't a second action.
enum Retry {
    /// Over some 25 s, in which a service restarts.
    static let attempts = 8

    /// Makes a key for a write that has none of its own, and sends again as `calling` does.
    static func keyed<Value>(
        _ call: (_ idempotencyKey: String) async throws -> Value
    ) async throws -> Value {
        let key = UUID().uuidString
        return try await calling { try await call(key) }
    }

    /// - Parameter say: takes a line about each attempt that came to nothing.
    static func calling<Value>(
        say: (String) -> Void = StandardError.write, _ call: () async throws -> Value
    ) async throws -> Value {
        var wait = Duration.milliseconds(200)
        for _ in 1..<attempts {
            do {
                return try await call()
            } catch ClientError.unreachable(let what) {
                say("\(what); trying again\n")
            } catch ClientError.refused(let refusal) where refusal.isPassing {
                say("\(refusal); trying again\n")
            }
            try await Task.sleep(for: wait)
            wait *= 2
        }
        return try await call()
    }
}
