import RegistryModel

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
        guard let row = try connection.query(Self.statement.sql).first else { throw Head.missing }
        return row.time(0)
    }

    /// For a statement that has the time as a parameter, and reads the clock where this is null.
    var parameter: Parameter { .number(given?().milliseconds) }

    /// When the statement began: one moment, by which an index can be searched.
    ///
    /// - Parameter place: of `parameter`, as `$1`.
    static func coalesce(_ place: String) -> String {
        "coalesce(\(place)::bigint, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)"
    }
}
