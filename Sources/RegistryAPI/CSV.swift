/// RFC 4180: fields with commas, quotes or line breaks in quotes, lines ended by CRLF.
package enum CSV {
    package static func line(_ fields: [String]) -> String {
        String(decoding: bytes(of: fields), as: UTF8.self)
    }

    package static func bytes(of fields: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(field, to: &bytes)
        }
        endLine(&bytes)
        return bytes
    }

    /// The line that a file begins with, behind a byte order mark where a spreadsheet is to open it.
    package static func header<Row>(
        _ columns: [ShapeField<Row>], forSpreadsheet: Bool
    ) -> [UInt8] {
        (forSpreadsheet ? SpreadsheetText.byteOrderMark : []) + bytes(of: columns.map(\.name))
    }

    /// - Parameter forSpreadsheet: whether what would be a formula is made inert.
    package static func append<Row>(
        _ row: Row, _ columns: [ShapeField<Row>], forSpreadsheet: Bool, to bytes: inout [UInt8]
    ) {
        for (index, column) in columns.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            let text = column.cell?(row).plain ?? ""
            append(forSpreadsheet ? SpreadsheetText.inert(text) : text, to: &bytes)
        }
        endLine(&bytes)
    }

    private static func append(_ field: String, to bytes: inout [UInt8]) {
        let marks: [UInt8] = [0x22, 0x2C, 0x0A, 0x0D]
        guard field.utf8.contains(where: { marks.contains($0) }) else {
            bytes.append(contentsOf: field.utf8)
            return
        }
        bytes.append(0x22)
        for byte in field.utf8 {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    private static func endLine(_ bytes: inout [UInt8]) {
        bytes += [0x0D, 0x0A]
    }
}

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
