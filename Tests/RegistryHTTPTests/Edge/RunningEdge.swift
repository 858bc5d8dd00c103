import Logging
import RegistryAPI
import RegistryHTTP
import RegistryModel
import RegistryService
import RoutingTable

/// An agent's server, with a table of its own that a test fills.
struct RunningEdge: Sendable {
    let port: Int
    let server: RegistryServer
    let table: CompactRoutingTable
    let drain: DrainSignal

    /// Takes in everything that the registry has by now.
    func copy(_ registry: RunningRegistry) async throws {
        try await NodeState(table: table).load(from: registry.service.store)
    }

    /// Sends one request as it is, without a token.
    func raw(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) async throws -> Answer {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"]
        lines += headers.map { "\($0.0): \($0.1)" }
        if !body.isEmpty {
            lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"]
        }
        let text = (lines + ["", body]).joined(separator: "\r\n")
        return try await withConnection(to: port) { connection in
            try await connection.send(text)
            return try await connection.answer(toHead: method == "HEAD")
        }
    }
}

/// Runs an agent's server around `body`.
func withEdge(
    _ options: HTTPOptions = HTTPOptions(), readiness: [JSONValue.Member] = [],
    _ body: (RunningEdge) async throws -> Void
) async throws {
    let logger = Logger(label: "edge") { _ in SwiftLogNoOpLogHandler() }
    let table = CompactRoutingTable()
    let drain = DrainSignal()
    let clock = SettableClock()
    let server = RegistryServer(
        agent: LookupService(state: NodeState(table: table), now: { clock.now }),
        options: options, drain: drain, metrics: { "registry_test_metric 1\n" },
        readiness: { readiness }, logger: logger)
    try await serving(server, logger) { port in
        try await body(RunningEdge(port: port, server: server, table: table, drain: drain))
    }
}
