import Foundation
import RegistryModel

/// A change as the log stores it, column by column: what the engines bind and what the digest
/// covers.
package struct ChangeRow: Sendable, Hashable {
    package var action: String
    package var fqdn: String?
    package var before: Placement?
    package var after: Placement?
    package var registeredAt: Timestamp?
    package var subject: String?
    /// JSON with sorted keys.
    package var beforeDetail: String?
    package var afterDetail: String?

    package init(
        action: String, fqdn: String?, before: Placement?, after: Placement?,
        registeredAt: Timestamp?, subject: String?, beforeDetail: String?, afterDetail: String?
    ) {
        self.action = action
        self.fqdn = fqdn
        self.before = before
        self.after = after
        self.registeredAt = registeredAt
        self.subject = subject
        self.beforeDetail = beforeDetail
        self.afterDetail = afterDetail
    }

    package init(_ change: Change) {
        self.init(
            action: change.action.rawValue, fqdn: nil, before: nil, after: nil, registeredAt: nil,
            subject: nil, beforeDetail: nil, afterDetail: nil)
        switch change.subject {
        case .domain(let fqdn, let before, let after, let registeredAt):
            self.fqdn = fqdn.text
            self.before = before
            self.after = after
            self.registeredAt = registeredAt
        case .hold(let fqdn, let before, let after, let heldAt):
            self.fqdn = fqdn.text
            registeredAt = heldAt
            beforeDetail = before.map(Self.text)
            afterDetail = after.map(Self.text)
        case .location(let name, let before, let after):
            subject = name.text
            beforeDetail = before.map(Self.text)
            afterDetail = after.map(Self.text)
        case .token(let id, let before, let after):
            subject = id
            beforeDetail = before.map(Self.text)
            afterDetail = after.map(Self.text)
        case .migration(let id, let before, let after):
            subject = id
            beforeDetail = before.map(Self.text)
            afterDetail = after.map(Self.text)
        case .approval(let migration, let facts):
            subject = migration
            afterDetail = Self.text(facts)
        case .webhook(let name, let before, let after):
            subject = name.text
            beforeDetail = before.map(Self.text)
            afterDetail = after.map(Self.text)
        }
    }

    /// - Throws: `Unreadable` for a row that no version of the ledger wrote.
    package func change() throws -> Change {
        guard let action = Action(rawValue: action) else {
            throw Unreadable(what: "action \(action)")
        }
        if let fqdn, let registeredAt {
            if action.isOfHold {
                return Change(
                    action,
                    .hold(
                        FQDN(canonical: fqdn), before: try Self.value(beforeDetail),
                        after: try Self.value(afterDetail), heldAt: registeredAt))
            }
            return Change(
                action,
                .domain(
                    FQDN(canonical: fqdn), before: before, after: after, registeredAt: registeredAt)
            )
        }
        guard let subject else { throw Unreadable(what: "a change of nothing") }
        switch action {
        case .locationChanged:
            return Change(
                action,
                .location(
                    LocationName(canonical: subject), before: try Self.value(beforeDetail),
                    after: try Self.value(afterDetail)))
        case .tokenCreated, .tokenRevoked:
            return Change(
                action,
                .token(
                    id: subject, before: try Self.value(beforeDetail),
                    after: try Self.value(afterDetail)))
        case .migrationPlanned, .migrationFinalized, .migrationCancelled:
            return Change(
                action,
                .migration(
                    id: subject, before: try Self.value(beforeDetail),
                    after: try Self.value(afterDetail)))
        case .waveApproved:
            guard let facts: ApprovalFacts = try Self.value(afterDetail) else {
                throw Unreadable(what: "an approval of nothing")
            }
            return Change(action, .approval(migration: subject, facts))
        case .webhookChanged:
            return Change(
                action,
                .webhook(
                    WebhookName(canonical: subject), before: try Self.value(beforeDetail),
                    after: try Self.value(afterDetail)))
        default:
            throw Unreadable(what: "action \(action.rawValue) of \(subject)")
        }
    }

    package struct Unreadable: Error, CustomStringConvertible {
        package let what: String
        package var description: String { "the log holds \(what), which this version can't read" }
    }

    /// Sorted keys: the text is covered by the digest, so one value has one text.
    package static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding plain structs of strings and numbers into memory has no way to fail.
        guard let data = try? encoder.encode(value) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    package static func value<Value: Decodable>(_ text: String?) throws -> Value? {
        guard let text else { return nil }
        return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
