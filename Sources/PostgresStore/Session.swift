/// What every session of the registry is set to.
enum Session {
    /// What the operator has set, in the URL's `options`, for the role, the database or the server, stands.
    /// A node that stops in the middle of a write must not hold the head's lock for ever, and nobody waits
    /// for a lock for ever.
    private static let unlessSet = """
        SELECT set_config(name, ours.value, false)
        FROM (VALUES ('idle_in_transaction_session_timeout', '30s'), ('lock_timeout', '30s'),
                ('jit', 'off'), ('work_mem', '64MB')) AS ours (name, value)
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
                THEN set_config('synchronous_commit', 'on', false) END
        """

    /// - Parameter current: what tells the connection that another server has taken over.
    static func prepare(
        _ connection: PostgresConnection, current: CurrentServer? = nil
    ) throws {
        try connection.query(unlessSet)
        connection.server = try connection.query(always).first?.text(0)
        connection.current = current
    }

    /// Commands and followers ask for names, keys and revisions, and each has its index. A plan that is
    /// made while a table is empty would read all of it, and stay until the server gathers statistics.
    static func prefersIndexes(_ connection: PostgresConnection) throws {
        try connection.query("SELECT set_config('enable_seqscan', 'off', false)")
    }
}
