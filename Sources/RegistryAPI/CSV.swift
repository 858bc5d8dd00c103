/// RFC 4180: fields with commas, quotes or line breaks in quotes, lines ended by CRLF.
package enum CSV {
    package static func line(_ fields: [String]) -> String {
        String(decoding: octets(of: fields), as: UTF8.self)
    }

    package static func octets(of fields: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(field, to: &bytes)
        }
        endLine(&bytes)
        return bytes
    }

    package static func append(_ field: String, to bytes: inout [UInt8]) {
        let marks: [UInt8] = [0x22, 0x2C, 0x0A, 0x0D]
        guard field.utf8.contains(where: { marks.contains($0) }) else {
            bytes.append(contentsOf: field.utf8)
            return
        }
        bytes.append(0x22)
        for octet in field.utf8 {
            if octet == 0x22 { bytes.append(0x22) }
            bytes.append(octet)
        }
        bytes.append(0x22)
    }

    package static func endLine(_ bytes: inout [UInt8]) {
        bytes += [0x0D, 0x0A]
    }
}
