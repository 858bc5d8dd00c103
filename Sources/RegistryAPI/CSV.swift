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

    fileprivate static func append(_ cell: Cell, forSpreadsheet: Bool, to bytes: inout [UInt8]) {
        switch cell {
        case .absent: break
        case .time(let time): bytes.append(time)
        case .text(let text) where !forSpreadsheet: append(text, to: &bytes)
        default: append(forSpreadsheet ? SpreadsheetText.inert(cell.plain) : cell.plain, to: &bytes)
        }
    }

    private static func append(_ field: String, to bytes: inout [UInt8]) {
        var field = field
        field.withUTF8 { field in
            let isPlain = field.allSatisfy { $0 != 0x22 && $0 != 0x2C && $0 != 0x0A && $0 != 0x0D }
            guard !isPlain else { return bytes.append(contentsOf: field) }
            bytes.append(0x22)
            for byte in field {
                if byte == 0x22 { bytes.append(0x22) }
                bytes.append(byte)
            }
            bytes.append(0x22)
        }
    }

    fileprivate static func endLine(_ bytes: inout [UInt8]) {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}

extension WrittenShape {
    package func append(
        _ columns: [ShapeField<Self>], forSpreadsheet: Bool, to csv: inout [UInt8]
    ) {
        var isFirst = true
        for column in columns {
            if !isFirst { csv.append(UInt8(ascii: ",")) }
            isFirst = false
            guard let cell = column.cell?(self) else { continue }
            CSV.append(cell, forSpreadsheet: forSpreadsheet, to: &csv)
        }
        CSV.endLine(&csv)
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
