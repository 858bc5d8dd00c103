import Foundation
import RegistryAPI
import RegistryModel

/// An opaque place in a list: what its last item is sorted by.
///
/// Only what this service can have written is one: the same text in base64, in the one spelling that a
/// key has. Whatever else a client sends is `invalid-cursor`, before any store sees it.
enum Cursor {
    /// Bytes. The longest key is an epoch, a revision and a name.
    private static let longestKey = 384

    static func encode(_ key: String) -> String {
        Data(key.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    /// Characters: a tenant's 200, of four bytes at most, each of which is three in a key and four in the cursor.
    static let longestTenant = 200 * 4 * 4

    /// - Returns: the key: printable ASCII, not empty.
    static func decode(
        _ cursor: String, longest longestKey: Int = longestKey
    ) throws(RegistryError) -> String {
        var text = cursor.replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: text), (1...longestKey).contains(data.count),
            data.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .invalidCursor }
        let key = String(decoding: data, as: UTF8.self)
        guard encode(key) == cursor else { throw .invalidCursor }
        return key
    }

    /// The value of which the key is the one spelling.
    static func decode<Value>(
        _ cursor: String, _ parse: (String) -> Value?, spelling: (Value) -> String
    ) throws(RegistryError) -> Value {
        let key = try decode(cursor)
        guard let value = parse(key), spelling(value) == key else { throw .invalidCursor }
        return value
    }

    static func name(_ cursor: String) throws(RegistryError) -> FQDN {
        try decode(cursor, { try? FQDN($0) }, spelling: \.text)
    }

    static func key(tenant: String) -> String { PercentCoding.component(tenant) }

    static func tenant(_ cursor: String) throws(RegistryError) -> String {
        let key = try decode(cursor, longest: longestTenant)
        guard let tenant = PercentCoding.decode(key, plusIsSpace: false),
            self.key(tenant: tenant) == key
        else { throw .invalidCursor }
        return tenant
    }

    static func location(_ cursor: String) throws(RegistryError) -> LocationName {
        try decode(cursor, { LocationName($0) }, spelling: \.text)
    }

    static func webhook(_ cursor: String) throws(RegistryError) -> WebhookName {
        try decode(cursor, { WebhookName($0) }, spelling: \.text)
    }

    static func agent(_ cursor: String) throws(RegistryError) -> AgentName {
        try decode(cursor, { AgentName($0) }, spelling: \.text)
    }

    /// A position in a migration, from 1 on.
    static func position(_ cursor: String) throws(RegistryError) -> Int64 {
        try decode(cursor, { Int64($0).flatMap { $0 > 0 ? $0 : nil } }, spelling: { "\($0)" })
    }

    /// A position in what a dry run lists, and which plan that was of.
    static func planned(_ cursor: String) throws(RegistryError) -> (plan: String, position: Int64) {
        try decode(
            cursor,
            { key in
                let parts = key.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 3, parts[0].wholeMatch(of: /[0-9a-f]{64}/) != nil,
                    parts[1].wholeMatch(of: /[0-9]{1,7}/) != nil, let position = Int64(parts[2]),
                    position > 0
                else { return nil }
                return (parts[..<2].joined(separator: "/"), position)
            }, spelling: { Self.key($0.position, of: $0.plan) })
    }

    static func key(_ position: Int64, of plan: String) -> String { "\(plan)/\(position)" }

    /// A token's id, or a migration's.
    static func id(_ cursor: String) throws(RegistryError) -> String {
        try decode(
            cursor,
            { key in
                let isID = key.wholeMatch(of: /[A-Za-z0-9_-]{1,64}/) != nil
                return isID ? key : nil
            }, spelling: { $0 })
    }

    /// A place in the log.
    /// - Throws: `resync` where it's in the log of another epoch.
    static func place(
        _ cursor: String, in epoch: Epoch
    ) throws(RegistryError) -> HistoryQuery.Place {
        let (there, place) = try decode(
            cursor,
            { key -> (epoch: Epoch, place: HistoryQuery.Place)? in
                let parts = key.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 2, let at = Position(parts[0]), at.revision > .zero,
                    let number = Int(parts[1]), number >= 0
                else { return nil }
                return (at.epoch, HistoryQuery.Place(revision: at.revision, position: number))
            }, spelling: { Self.key($0.place, in: $0.epoch) })
        try check(there, in: epoch)
        return place
    }

    static func key(_ place: HistoryQuery.Place, in epoch: Epoch) -> String {
        "\(Position(epoch: epoch, revision: place.revision))/\(place.position)"
    }

    /// A name, and the revision at which a list of the past is read.
    /// - Throws: `resync` where that is of another epoch.
    static func name(
        at cursor: String, in epoch: Epoch
    ) throws(RegistryError) -> (revision: Revision, name: FQDN) {
        let (at, name) = try decode(
            cursor,
            { key -> (at: Position, name: FQDN)? in
                let parts = key.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 2, let at = Position(parts[0]),
                    let name = try? FQDN(parts[1])
                else { return nil }
                return (at, name)
            }, spelling: { Self.key($0.name, at: $0.at) })
        try check(at.epoch, in: epoch)
        return (at.revision, name)
    }

    static func key(_ name: FQDN, at position: Position) -> String { "\(position)/\(name)" }

    /// Going on in another store's list would skip and repeat without a word.
    private static func check(_ there: Epoch, in epoch: Epoch) throws(RegistryError) {
        guard there == epoch else {
            throw .resync("the epoch is \(epoch) now, and the cursor is of \(there)")
        }
    }
}
