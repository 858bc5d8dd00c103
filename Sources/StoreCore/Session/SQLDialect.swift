/// What the two engines say in different words.
package enum SQLDialect: Sendable {
    case sqlite
    case postgres

    /// A list of texts as a table of one column, `value`.
    ///
    /// - Parameters:
    ///   - place: of the list among the statement's values, as `$1`.
    ///   - table: what the table is called.
    package func texts(_ place: String, as table: String) -> String {
        switch self {
        case .sqlite: "json_each(\(place)) AS \(table)"
        case .postgres: "unnest(\(place)::text[]) AS \(table) (value)"
        }
    }

    /// Tells SQLite which index to take: it has no statistics, and may think of another one. PostgreSQL can't be told.
    package func indexed(by index: String) -> String {
        switch self {
        case .sqlite: " INDEXED BY \(index)"
        case .postgres: ""
        }
    }

    /// The time by which deadlines and ages are judged: a value where one is given, else the database's, which all
    /// nodes share. SQLite is always given one.
    ///
    /// The database's is when the statement began: one moment, by which an index can be searched.
    package func time(_ place: String) -> String {
        switch self {
        case .sqlite: place
        case .postgres:
            "coalesce(\(place)::bigint, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)"
        }
    }

    /// The order of what is read from an ordered subquery, where that has to be said again: PostgreSQL promises none,
    /// SQLite would sort.
    package func again(_ order: String) -> String {
        self == .sqlite ? "" : "ORDER BY \(order)"
    }

    /// Whether a flag is set, so that SQLite sees that a partial index is about it.
    package func isSet(_ column: String) -> String {
        self == .sqlite ? "\(column) = 1" : column
    }

    /// Counts rows from 1, in the order in which they come. SQLite would sort them for it.
    ///
    /// - Parameter order: by which they come.
    package func rowNumber(_ order: String) -> String {
        self == .sqlite ? "row_number() OVER ()" : "row_number() OVER (ORDER BY \(order))"
    }

    /// A field of a JSON object that a column holds as text, as a text or a number.
    package func field(_ name: String, of column: String) -> String {
        switch self {
        case .sqlite: "json_extract(\(column), '$.\(name)')"
        case .postgres: "(\(column)::jsonb ->> '\(name)')"
        }
    }
}
