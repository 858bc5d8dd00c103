/// What the two engines say in different words.
package enum SQLDialect: Sendable {
    case sqlite
    case postgres

    /// A list of texts as a table of two columns, `value` and `key`: its place in the list, counted from `firstKey`.
    ///
    /// - Parameters:
    ///   - place: of the list among the statement's values, as `$1`.
    ///   - table: what the table is called.
    package func texts(_ place: String, as table: String) -> String {
        list("\(place)::text[]", place, table)
    }

    /// The same of numbers.
    package func numbers(_ place: String, as table: String) -> String {
        list("\(place)::bigint[]", place, table)
    }

    private func list(_ array: String, _ place: String, _ table: String) -> String {
        switch self {
        case .sqlite: "json_each(\(place)) AS \(table)"
        case .postgres: "unnest(\(array)) WITH ORDINALITY AS \(table) (value, key)"
        }
    }

    package var firstKey: Int { self == .sqlite ? 0 : 1 }

    /// What a column of numbers is. Only of this name is a key of SQLite's the row's own number.
    package var number: String { self == .sqlite ? "INTEGER" : "bigint" }

    /// What a column of texts is, compared byte by byte.
    package var text: String { self == .sqlite ? "TEXT" : "text COLLATE \"C\"" }

    /// A temporary table's rows go with the transaction. SQLite's stay.
    package var untilCommit: String { self == .sqlite ? "" : "ON COMMIT DELETE ROWS" }

    package func least(_ one: String, _ other: String) -> String {
        self == .sqlite ? "min(\(one), \(other))" : "least(\(one), \(other))"
    }

    package func greatest(_ one: String, _ other: String) -> String {
        self == .sqlite ? "max(\(one), \(other))" : "greatest(\(one), \(other))"
    }

    /// Locks the rows that are read against other writers. SQLite has one.
    package var forUpdate: String { self == .sqlite ? "" : "FOR UPDATE" }

    /// The same, without those that another has locked.
    package var forUpdateIfFree: String { self == .sqlite ? "" : "FOR UPDATE SKIP LOCKED" }

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
