import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// Brings a database to the newest schema, once, however many nodes start together: under a lock, in
/// one transaction.
struct SchemaMigrator {
    let files: [SchemaFile]
    let clock: DatabaseClock

    /// A number of our own among the database's advisory locks: "treg" and 1.
    private static let lock: Int64 = 0x7472_6567_0000_0001

    func run(_ connection: PostgresConnection) throws {
        try checkEncoding(connection)
        try connection.transaction {
            // A long migration of another node is waited for.
            try connection.query("SET LOCAL lock_timeout = 0")
            let patience = connection.patience
            connection.patience = .seconds(3_600)
            defer { connection.patience = patience }
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.number(Self.lock)])
            try migrate(connection)
            try Head.makeIfMissing(connection, at: try clock.read(connection))
        }
    }

    private func checkEncoding(_ connection: PostgresConnection) throws {
        let encoding =
            try connection.query("SELECT current_setting('server_encoding')").first?.text(0) ?? ""
        guard encoding == "UTF8" else { throw PostgresOpeningError.encoding(encoding) }
    }

    func migrate(_ connection: PostgresConnection) throws {
        try SchemaHistory<PostgresOpeningError>(files).bring(connection) {
            try clock.read(connection)
        }
    }
}
