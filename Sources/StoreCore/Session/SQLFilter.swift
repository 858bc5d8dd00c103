/// Conditions joined by "and", and the values that they are about. Texts are this module's own.
package struct SQLFilter: Sendable {
    private var conditions: [String] = []
    package private(set) var values: [SQLValue] = []

    package init() {}

    package mutating func add(_ condition: String) {
        conditions.append(condition)
    }

    /// Adds a condition where there's a value. Each question mark in it stands for the value.
    package mutating func add(_ condition: String, _ value: String?) {
        if let value { add(condition, bound: .text(value)) }
    }

    package mutating func add(_ condition: String, _ value: Int64?) {
        if let value { add(condition, bound: .number(value)) }
    }

    /// Adds a condition on two values: `?1` and `?2`.
    package mutating func add(_ condition: String, _ text: String, _ number: Int64) {
        let places = (bind(.text(text)), bind(.number(number)))
        conditions.append(
            condition.replacing("?1", with: places.0).replacing("?2", with: places.1))
    }

    private mutating func add(_ condition: String, bound value: SQLValue) {
        conditions.append(condition.replacing("?", with: bind(value)))
    }

    /// A value of what stands outside the conditions.
    /// - Returns: its place in the statement's text.
    package mutating func bind(_ value: SQLValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }

    /// Names that begin so.
    package mutating func add(prefix: String?, of column: String = "fqdn") {
        guard let prefix else { return }
        add("\(column) >= ?", prefix)
        add("\(column) < ?", prefix + Self.behindNames)
    }

    /// Names below this one, or itself.
    package mutating func add(suffix: String?, of column: String = "fqdn") {
        guard let suffix else { return }
        // Not LIKE: it reads `_` and `%` as wildcards. Where the name is too short, both engines give a text of another
        // length.
        add("substr('.' || \(column), length(\(column)) + 2 - length(?)) = ?", "." + suffix)
    }

    /// Names that have this text somewhere.
    package mutating func add(piece: String?, of column: String = "fqdn") {
        // Not LIKE, as above; and of what looks for a text in a text, the engines have only this by one name.
        add("replace(\(column), ?, '') <> \(column)", piece)
    }

    /// The values alone, for what stands around a statement that has the conditions.
    package var withoutConditions: SQLFilter {
        var filter = self
        filter.conditions = []
        return filter
    }

    package var clause: String {
        conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    }

    /// The byte after `z`, the highest that a name can hold.
    package static let behindNames = "{"
}
