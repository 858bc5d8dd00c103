import RegistryModel
import StoreCore

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
