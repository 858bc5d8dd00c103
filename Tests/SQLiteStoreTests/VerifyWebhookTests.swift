import Foundation
import RegistryModel
import Testing

@testable import SQLiteStore

/// Where deliveries go is in the log and in a table: one without the other would be somebody else's doing.
extension VerifyTests {
    /// 1 and 2 set webhooks, 3 deletes the second.
    private func setWebhooks() async throws {
        let store = try folder.open()
        for name in ["chat", "gone"] {
            try await store.run(
                .putWebhook(
                    WebhookName(name)!,
                    WebhookSettings(
                        url: try WebhookURL("https://\(name).example/in?key=1"),
                        actions: [.moved, .frozen]), secret: nil, spare: .random()))
        }
        try await store.run(.deleteWebhook(WebhookName("gone")!))
        #expect(try await store.verify(nil) { _ in }.isGood)
        await store.close()
    }

    @Test(
        arguments: [
            (
                "UPDATE webhook SET url = 'https://thief.example/in'", 1,
                "the webhook chat isn't what the log says"
            ),
            (
                "UPDATE webhook SET url = 'https://chat.example/in?key=2'", 1,
                "the webhook chat isn't what the log says"
            ),
            ("UPDATE webhook SET actions = 'moved'", 1, "the webhook chat isn't"),
            (
                "UPDATE webhook SET secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'", 1,
                "the webhook chat isn't"
            ),
            ("UPDATE webhook SET revision = 2", 1, "the webhook chat isn't"),
            (
                "DELETE FROM webhook", 1,
                "the webhook chat is in the log and not in its table"
            ),
            (
                "INSERT INTO webhook SELECT 'gone', url, actions, secret, NULL, NULL, 2 FROM webhook",
                3, "the webhook gone is in the table webhook, and by the log it shouldn't be"
            ),
            (
                "INSERT INTO webhook SELECT 'spy', url, actions, secret, NULL, NULL, 2 FROM webhook",
                2, "the webhook spy is in the table webhook, and by the log it shouldn't be"
            ),
        ] as [(String, Int64, String)])
    func `finds a webhook that nobody has set so`(
        change: String, revision: Int64, words: String
    ) async throws {
        try await setWebhooks()
        // How far one has come isn't in the log.
        try await tamper(
            change
                + "; INSERT INTO webhook_progress (webhook, through, given_up) SELECT name, 0, 0 FROM webhook WHERE true ON CONFLICT DO NOTHING"
        )
        try await expect(revision, words)
    }
}
