/// What every session of the registry is set to.
enum Session {
    /// - Parameter current: what tells the connection that another server has taken over.
    static func prepare(
        _ connection: PostgresConnection, current: CurrentServer? = nil
    ) throws {
        // A node that stops in the middle of a write must not hold the head's lock for ever, and nobody
        // waits for a lock for ever. Acknowledged means durable, whatever the server's default is.
        let row = try connection.query(
            """
            SELECT set_config('idle_in_transaction_session_timeout', '30s', false),
                set_config('lock_timeout', '30s', false), set_config('jit', 'off', false),
                set_config('work_mem', '64MB', false),
                CASE WHEN current_setting('synchronous_commit') = 'off'
                    THEN set_config('synchronous_commit', 'on', false) END,
                extract(epoch FROM pg_postmaster_start_time())::text
            """
        ).first
        // No two servers of a cluster start in the same microsecond.
        connection.server = row?.text(5)
        connection.current = current
    }
}
