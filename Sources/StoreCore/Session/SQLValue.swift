/// A value for a statement's parameter. Values travel beside the statement: nothing is ever quoted into its text.
package enum SQLValue: Sendable {
    case text(String?)
    case number(Int64?)
    case bytes([UInt8]?)
    case flag(Bool)
    /// A list, which a statement reads as a table (`SQLDialect.list`).
    case texts([String?])
    case numbers([Int64?])
    case byteLists([[UInt8]])
    case flags([Bool])

    package static func number(_ number: Int) -> SQLValue { .number(Int64(number)) }
}
