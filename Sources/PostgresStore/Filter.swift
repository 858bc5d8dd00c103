import RegistryModel

/// Conditions joined by "and". Texts are this module's own; values are always bound.
struct Filter: Sendable {
    private var conditions: [String] = []
    private(set) var parameters: [Parameter] = []

    mutating func add(_ condition: String) {
        conditions.append(condition)
    }

    /// Each question mark in the condition stands for the value.
    mutating func add(_ condition: String, _ value: String?) {
        if let value { add(condition, bound: .text(value)) }
    }

    mutating func add(_ condition: String, _ value: Int64?) {
        if let value { add(condition, bound: .number(value)) }
    }

    private mutating func add(_ condition: String, bound value: Parameter) {
        conditions.append(condition.replacing("?", with: bind(value)))
    }

    /// A value of what follows the conditions.
    /// - Returns: its place in the statement's text.
    mutating func bind(_ value: Parameter) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    /// Names that begin so.
    mutating func add(prefix: String?, of column: String = "fqdn") {
        guard let prefix else { return }
        add("\(column) >= ?", prefix)
        // The octet after `z`, the highest that a name can hold.
        add("\(column) < ?", prefix + "{")
    }

    /// Names below this one, or itself.
    mutating func add(suffix: String?, of column: String = "fqdn") {
        guard let suffix else { return }
        // Not LIKE: it reads `_` and `%` as wildcards.
        add("right('.' || \(column), length(?)) = ?", "." + suffix)
    }

    var clause: String {
        conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    }
}
