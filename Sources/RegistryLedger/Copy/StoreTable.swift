import RegistryModel

/// A table as a copy between engines sees it: its columns, which every engine has under the same names,
/// and its key.
package struct StoreTable: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case text, number, bytes
        /// True or false, where the engine knows such a thing; else 1 or 0.
        case flag
    }

    package struct Column: Sendable, Hashable {
        package let name: String
        package let kind: Kind
    }

    package let name: String
    package let columns: [Column]
    /// How many of the columns, from the first on, are the key.
    package let keyLength: Int

    package var names: [String] { columns.map { "\"\($0.name)\"" } }
    package var keys: [String] { Array(names.prefix(keyLength)) }

    private init(_ name: String, key: Int = 1, _ columns: (String, Kind)...) {
        self.init(name, key: key, columns)
    }

    private init(_ name: String, key: Int = 1, _ columns: [(String, Kind)]) {
        self.name = name
        keyLength = key
        self.columns = columns.map { Column(name: $0.0, kind: $0.1) }
    }

    private static func placement(_ prefix: String = "") -> [(String, Kind)] {
        Placement.names(prefix).map { ($0, .text) }
    }

    /// The log's headers. The place of `epoch`, `at` and `digest` is what a copy asks for.
    package static let headers = StoreTable(
        "revision_log", ("revision", .number), ("epoch", .text), ("at", .number),
        ("digest", .bytes), ("actor_token", .text), ("actor_name", .text), ("actor_role", .text),
        ("reason", .text), ("ticket", .text), ("request_id", .text), ("migration", .text),
        ("wave", .number), ("override_reason", .text), ("change_count", .number),
        ("allow_split", .number))

    package static let changes = StoreTable(
        "change_log", key: 2,
        [("revision", .number), ("position", .number), ("action", .text), ("fqdn", .text)]
            + placement("before_") + placement("after_") + [
                ("registered_at", .number), ("subject", .text), ("before_detail", .text),
                ("after_detail", .text),
            ])

    /// What is now, in an order that foreign keys allow.
    package static let state = [
        StoreTable(
            "location", ("name", .text), ("upstream", .text), ("accepts_signups", .flag),
            ("default_for_signups", .flag), ("revision", .number), ("dns", .text)),
        StoreTable(
            "domain",
            [("fqdn", .text)] + placement() + [
                ("revision", .number), ("registered_at", .number), ("changed_at", .number),
            ]),
        StoreTable(
            "released_domain",
            [("fqdn", .text)] + placement() + [
                ("revision", .number), ("registered_at", .number), ("released_at", .number),
                ("available_at", .number),
            ]),
        StoreTable(
            "held_domain",
            [("fqdn", .text)] + placement() + [
                ("revision", .number), ("registered_at", .number), ("held_until", .number),
                ("holder", .text), ("wants_location", .flag), ("allow_nested", .flag),
                ("allow_split", .flag),
            ]),
        StoreTable("name_tree", ("key", .text), ("fqdn", .text)),
        // What is split follows from it: the schema notes that.
        StoreTable(
            "tenant_place", key: 2, ("tenant", .text), ("location", .text), ("domains", .number)),
        StoreTable(
            "token", ("id", .text), ("name", .text), ("role", .text), ("secret_digest", .bytes),
            ("created_at", .number), ("expires_at", .number), ("revoked_at", .number)),
        StoreTable("token_use", ("token", .text), ("last_used_at", .number)),
        StoreTable(
            "idempotency", key: 2, ("token", .text), ("key", .text), ("request_digest", .bytes),
            ("revision", .number), ("outcome", .text), ("created_at", .number)),
        StoreTable(
            "migration", ("number", .number), ("id", .text), ("name", .text),
            ("from_location", .text), ("to_location", .text), ("freeze", .text), ("state", .text),
            ("digest", .bytes), ("selected", .number), ("eligible", .number),
            ("created_at", .number), ("created_by_token", .text), ("created_by_name", .text),
            ("created_by_role", .text), ("reason", .text), ("ticket", .text),
            ("whole_tenants", .flag)),
        StoreTable(
            "wave", key: 2, ("migration", .number), ("number", .number), ("state", .text),
            ("first_position", .number), ("size", .number), ("deadline", .number),
            ("revision", .number), ("announcement", .number)),
        StoreTable(
            "wave_approval", key: 2, ("migration", .number), ("wave", .number), ("token", .text),
            ("name", .text), ("role", .text), ("at", .number), ("revision", .number)),
        StoreTable(
            "migration_domain", key: 2, ("migration", .number), ("position", .number),
            ("fqdn", .text), ("wave", .number), ("mode", .text), ("registered_at", .number),
            ("code", .text), ("stayed", .flag), ("own_mode", .text)),
        StoreTable(
            "agent", ("name", .text), ("epoch", .text), ("revision", .number),
            ("first_seen", .number), ("last_seen", .number), ("evicted_at", .number),
            ("evicted_token", .text), ("evicted_name", .text), ("evicted_role", .text),
            ("eviction_reason", .text), ("eviction_ticket", .text), ("ahead_epoch", .text),
            ("ahead_revision", .number), ("fences", .flag), ("lease_until", .number)),
        // Where it didn't come along, serials would go back.
        StoreTable(
            "zone_serial", ("zone", .text), ("serial", .number), ("digest", .bytes),
            ("revision", .number), ("epoch", .text)),
        // With their secrets: receivers know the copy's deliveries as they knew the original's.
        StoreTable(
            "webhook", ("name", .text), ("url", .text), ("actions", .text), ("secret", .text),
            ("former_secret", .text), ("former_until", .number), ("revision", .number)),
        StoreTable(
            "webhook_progress", ("webhook", .text), ("through", .number),
            ("delivered_revision", .number), ("delivered_at", .number), ("failing_since", .number),
            ("failed_at", .number), ("attempts", .number), ("retry_at", .number),
            ("error", .text), ("given_up", .number), ("disabled_at", .number)),
    ]
}

/// A value on its way from one engine to another.
package enum StoredValue: Sendable, Hashable {
    case absent
    case number(Int64)
    case text(String)
    case bytes([UInt8])
    case flag(Bool)

    package var number: Int64? { if case .number(let number) = self { number } else { nil } }
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
}
