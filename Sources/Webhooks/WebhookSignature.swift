import Crypto
import Foundation
import RegistryModel

/// What a delivery is signed with: HMAC-SHA256 over id, time and body, as Standard Webhooks has it.
struct WebhookSignature {
    /// The same for each attempt, so that a receiver can tell a repetition. It has no full stop, which parts what is signed.
    let id: String
    /// Of the attempt, in seconds since 1970.
    let timestamp: Int64
    /// One signature for each secret, with blanks between them.
    let text: String

    init(of body: [UInt8], id: String, at now: Timestamp, _ secrets: [WebhookSecret]) {
        self.id = id
        let timestamp = now.milliseconds / 1_000
        self.timestamp = timestamp
        text = secrets.map { secret in
            var code = HMAC<SHA256>(key: SymmetricKey(data: secret.bytes))
            code.update(data: Data("\(id).\(timestamp).".utf8))
            code.update(data: Data(body))
            return "v1," + Data(code.finalize()).base64EncodedString()
        }.joined(separator: " ")
    }
}

extension WebhookNotice {
    /// A revision of a store put back has another epoch, and so another id.
    func id(for name: WebhookName) -> String {
        "msg_\(header.epoch)_\(header.revision)_\(name)"
    }
}
