/// What every session of the registry is set to.
enum Session {
    static func prepare(_ connection: PostgresConnection) throws {
        // A node that stops in the middle of a write must not hold the head's lock for ever, and nobody
        // waits for a lock for ever. Acknowledged means durable, whatever the server's default is.
        try connection.query(
            """
            SELECT set_config('idle_in_transaction_session_timeout', '30s', false),
                set_config('lock_timeout', '30s', false), set_config('jit', 'off', false),
                set_config('work_mem', '64MB', false),
                CASE WHEN current_setting('synchronous_commit') = 'off'
                    THEN set_config('synchronous_commit', 'on', false) END
            """)
    }

    /// Commands and followers ask for names, keys and revisions, and each has its index. A plan that is made while a
    /// table is empty would read all of it, and stay until the server gathers statistics.
    static func prefersIndexes(_ connection: PostgresConnection) throws {
        try connection.query("SELECT set_config('enable_seqscan', 'off', false)")
    }
}
