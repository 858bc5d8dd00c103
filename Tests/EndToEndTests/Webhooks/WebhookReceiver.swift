import Foundation
import PostgresServer
import RegistryAPI
import RegistryModel
import Testing

/// A receiver in Python that does as it's told, and remembers what it was sent.
final class WebhookReceiver: Sendable {
    let folder: TestFolder
    let port: Int
    private let process: ChildProcess

    struct Delivery: Sendable {
        var id: String
        var isVerified: Bool
        var host: String
        var path: String
        var event: WebhookEvent
        /// Whether this line says that it was answered with 2xx.
        var isTaken: Bool
    }

    /// - Parameter credentials: for TLS.
    static func start(
        secret: WebhookSecret, mode: String = "ok",
        credentials: (certificate: URL, key: URL)? = nil
    ) async throws -> WebhookReceiver {
        let folder = try TestFolder()
        _ = try folder.write(secret.text, to: "secret")
        _ = try folder.write(mode, to: "mode")
        _ = try folder.write("", to: "deliveries")
        let root = NginxProcess.repository
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [
                root.appendingPathComponent("Tests/Fixtures/webhook_receiver.py").path,
                folder.url.path,
                root.appendingPathComponent("docs/webhooks.md").path,
            ] + (credentials.map { [$0.certificate.path, $0.key.path] } ?? []), outputs: folder.url)
        let port = try await poll("the receiver listens: \(process.errors)") {
            Int(process.output.trimmingCharacters(in: .newlines))
        }
        return WebhookReceiver(folder, port, process)
    }

    private init(_ folder: TestFolder, _ port: Int, _ process: ChildProcess) {
        (self.folder, self.port, self.process) = (folder, port, process)
    }

    var url: String { "http://127.0.0.1:\(port)/hooks/registry?key=hidden" }

    /// What it does from now on.
    func become(_ mode: String) throws {
        let file = folder.file("mode")
        try Data(mode.utf8).write(to: file, options: .atomic)
    }

    var lines: [Delivery] {
        get throws {
            try String(contentsOf: folder.file("deliveries"), encoding: .utf8)
                .split(separator: "\n").map { try Delivery(String($0)) }
        }
    }

    var attempts: [Delivery] { get throws { try lines.filter { !$0.isTaken } } }
    var taken: [Delivery] { get throws { try lines.filter(\.isTaken) } }

    /// Waits until it has taken so many different ones.
    func taken(_ count: Int) async throws -> [Delivery] {
        try await poll("the receiver has taken \(count)") { () -> [Delivery]? in
            let taken = try taken
            return Set(taken.map(\.id)).count >= count ? taken : nil
        }
    }

    func attempts(_ count: Int) async throws -> [Delivery] {
        try await poll("the receiver was sent \(count)") { () -> [Delivery]? in
            let attempts = try attempts
            return attempts.count >= count ? attempts : nil
        }
    }
}

extension WebhookReceiver.Delivery {
    fileprivate init(_ line: String) throws {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        id = try #require(object["id"] as? String)
        isVerified = try #require(object["verified"] as? Bool)
        host = try #require(object["host"] as? String)
        path = try #require(object["path"] as? String)
        isTaken = try #require(object["taken"] as? Bool)
        let event = try JSONSerialization.data(withJSONObject: try #require(object["event"]))
        self.event = try WebhookEvent(json: event)
    }
}

extension ServerProcess {
    /// Sets a webhook for a receiver, with the secret that the receiver has.
    func setWebhook(
        _ name: String = "chat", to receiver: WebhookReceiver, url: String? = nil,
        _ actions: [Action]
    ) async throws {
        let secret = try String(contentsOf: receiver.folder.file("secret"), encoding: .utf8)
        let made = try await client.putWebhook(
            name,
            WebhookRequest(
                url: url ?? receiver.url, actions: actions.map(\.rawValue), secret: secret))
        #expect(made.secret == nil)
    }
}
