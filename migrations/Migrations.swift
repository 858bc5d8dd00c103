/// The schema's history as plain SQL files, embedded in the binary.
///
/// The files are the source; this only lists them. A released file is never edited: a store records
/// the checksum of each file that it applied, and refuses one that has changed since.
public struct SchemaFile: Sendable {
    /// 1 for `0001_…`. Without gaps.
    public let version: Int
    public let name: String
    public let sql: String

    // SwiftPM replaces the leading digit in the name that it gives an embedded file.
    public static let sqlite = [
        SchemaFile(version: 1, name: "registry", bytes: PackageResources._001_registry_sqlite_sql),
        SchemaFile(
            version: 2, name: "migrations", bytes: PackageResources._002_migrations_sqlite_sql),
        SchemaFile(
            version: 3, name: "history_filters",
            bytes: PackageResources._003_history_filters_sqlite_sql),
        SchemaFile(version: 4, name: "agents", bytes: PackageResources._004_agents_sqlite_sql),
        SchemaFile(version: 5, name: "reads", bytes: PackageResources._005_reads_sqlite_sql),
        SchemaFile(version: 6, name: "clocks", bytes: PackageResources._006_clocks_sqlite_sql),
        SchemaFile(
            version: 7, name: "forget_agents",
            bytes: PackageResources._007_forget_agents_sqlite_sql),
        SchemaFile(
            version: 8, name: "names_and_modes",
            bytes: PackageResources._008_names_and_modes_sqlite_sql),
        SchemaFile(
            version: 9, name: "agents_ahead",
            bytes: PackageResources._009_agents_ahead_sqlite_sql),
        SchemaFile(
            version: 10, name: "tenants", bytes: PackageResources._010_tenants_sqlite_sql),
        SchemaFile(version: 11, name: "holds", bytes: PackageResources._011_holds_sqlite_sql),
        SchemaFile(version: 12, name: "fence", bytes: PackageResources._012_fence_sqlite_sql),
        SchemaFile(version: 13, name: "dns", bytes: PackageResources._013_dns_sqlite_sql),
        SchemaFile(
            version: 14, name: "webhooks", bytes: PackageResources._014_webhooks_sqlite_sql),
    ]

    public static let postgres = [
        SchemaFile(
            version: 1, name: "registry", bytes: PackageResources._001_registry_postgres_sql),
        SchemaFile(
            version: 2, name: "migrations", bytes: PackageResources._002_migrations_postgres_sql),
        SchemaFile(
            version: 3, name: "history_filters",
            bytes: PackageResources._003_history_filters_postgres_sql),
        SchemaFile(version: 4, name: "agents", bytes: PackageResources._004_agents_postgres_sql),
        SchemaFile(version: 5, name: "reads", bytes: PackageResources._005_reads_postgres_sql),
        SchemaFile(version: 6, name: "clocks", bytes: PackageResources._006_clocks_postgres_sql),
        SchemaFile(
            version: 7, name: "forget_agents",
            bytes: PackageResources._007_forget_agents_postgres_sql),
        SchemaFile(
            version: 8, name: "names_and_modes",
            bytes: PackageResources._008_names_and_modes_postgres_sql),
        SchemaFile(
            version: 9, name: "agents_ahead",
            bytes: PackageResources._009_agents_ahead_postgres_sql),
        SchemaFile(
            version: 10, name: "tenants", bytes: PackageResources._010_tenants_postgres_sql),
        SchemaFile(version: 11, name: "holds", bytes: PackageResources._011_holds_postgres_sql),
        SchemaFile(version: 12, name: "fence", bytes: PackageResources._012_fence_postgres_sql),
        SchemaFile(version: 13, name: "dns", bytes: PackageResources._013_dns_postgres_sql),
        SchemaFile(
            version: 14, name: "webhooks", bytes: PackageResources._014_webhooks_postgres_sql),
    ]

    public init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }

    private init(version: Int, name: String, bytes: [UInt8]) {
        self.init(version: version, name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
