import Foundation
import RegistryModel
import StoreCore

/// What every session of the registry is set to.
enum PostgresSession {
    /// What the operator has set, in the URL's `options`, for the role, the database or the server, stands.
    /// A node that stops in the middle of a write must not hold the head's lock for ever, and nobody waits
    /// for a lock for ever. The session of a node that is gone, with its machine or its network, ends by
    /// keepalives, and with it what it has locked; most systems would take hours.
    private static let unlessSet = """
        SELECT set_config(name, ours.value, false)
        FROM (VALUES ('idle_in_transaction_session_timeout', '30s'), ('lock_timeout', '30s'),
                ('jit', 'off'), ('work_mem', '64MB'), ('tcp_keepalives_idle', '10'),
                ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')) AS ours (name, value)
            JOIN pg_settings USING (name)
        WHERE source = 'default'
        """

    /// Acknowledged means durable, whatever the server's default is. Under a stricter isolation than this
    /// one, who has waited for the head's lock would be refused. And which server this is: no two of a
    /// cluster start in the same microsecond.
    private static let always = """
        SELECT extract(epoch FROM pg_postmaster_start_time())::text,
            set_config('default_transaction_isolation', 'read committed', false),
            CASE WHEN current_setting('synchronous_commit') = 'off'
                THEN set_config('synchronous_commit', 'on', false) END,
            set_config('\(mark)', $1, false), pg_backend_pid()::bigint,
            current_setting('statement_timeout') <> '0'
        """

    /// A setting that nobody else knows of, with a value that no other session has.
    private static let mark = "tenant_registry.session"

    /// What tells whether a session is still this connection's, and as it was set. To be read with others:
    /// two columns, for `checkOwn`.
    static let identity = "pg_backend_pid()::bigint, current_setting('\(mark)', true)"

    /// - Parameter current: what tells the connection that another server has taken over.
    static func prepare(
        _ connection: PostgresConnection, current: CurrentServer? = nil
    ) throws {
        do {
            try connection.query(unlessSet)
            let mark = UUID().uuidString
            let row = try connection.query(always, [.text(mark)]).first
            connection.server = try row?.text(0)
            connection.backend = try row?.number(4)
            connection.hasStatementTimeout = try row?.flag(5) ?? false
            connection.mark = mark
            connection.current = current
        } catch let failure as PostgresFailure {
            throw failure.named
        }
    }

    /// - Parameter column: where `identity` begins in the row.
    /// - Throws: `shared` where the session isn't the one that was prepared.
    static func checkOwn(
        _ connection: PostgresConnection, _ row: SQLRow, from column: Int = 0
    ) throws {
        guard try row.number(column) == connection.backend else {
            throw PostgresFailure.pooled("another process of the server answers")
        }
        guard try row.textIfPresent(column + 1) == connection.mark else {
            throw PostgresFailure.pooled("what was set in a session isn't there any more")
        }
    }

    /// - Throws: `shared`, or what became of the question.
    static func checkOwn(_ connection: PostgresConnection) throws {
        guard let row = try connection.query("SELECT \(identity)").first else { return }
        try checkOwn(connection, row)
    }

    /// Commands and followers ask for names, keys and revisions, and each has its index. A plan that is
    /// made while a table is empty would read all of it, and stay until the server gathers statistics.
    static func prefersIndexes(_ connection: PostgresConnection) throws {
        try connection.query("SELECT set_config('enable_seqscan', 'off', false)")
    }
}

/// The time by which deadlines, quarantines and ages are set and judged: the database's, which all nodes
/// share. A node whose own clock is wrong must not thaw everybody's waves, or keep them frozen.
struct DatabaseClock: Sendable {
    /// Tests give theirs.
    let given: (@Sendable () -> Timestamp)?

    /// The time in a statement of its own, after whatever was waited for: not when the transaction began.
    static let statement = Statement(
        "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")

    func read(_ connection: PostgresConnection) throws -> Timestamp {
        if let given { return given() }
        let time = try connection.first(Self.statement.sql) { try $0.time(0) }
        guard let time else { throw HeadMissing() }
        return time
    }

    /// For `SQLDialect.time`.
    var parameter: SQLValue { .number(given?().milliseconds) }
}
