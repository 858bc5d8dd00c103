/// CSV that people open in a spreadsheet: with a byte order mark, or Excel takes it for another encoding,
/// and with no field that the program would run as a formula.
package enum SpreadsheetText {
    package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// A field that begins with `=`, `+`, `-`, `@`, a tab or CR gets an apostrophe before it, which the
    /// program doesn't show. One that begins with apostrophes before these too: so `original` is exact.
    package static func inert(_ field: String) -> String {
        isFormula(field) ? "'" + field : field
    }

    /// What `inert` was given.
    package static func original(_ field: String) -> String {
        field.hasPrefix("'") && isFormula(field) ? String(field.dropFirst()) : field
    }

    private static func isFormula(_ field: String) -> Bool {
        let first = field.unicodeScalars.first { $0 != "'" }
        return first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    }
}
