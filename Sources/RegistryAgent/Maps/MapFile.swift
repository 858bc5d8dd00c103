import RegistryModel

/// Writes map files: a line for each domain, by name.
enum MapFile {
    /// A line that a proxy could read as something else.
    struct BadLine: Error, CustomStringConvertible {
        let description: String
    }

    /// Writes the map beside the one that is there.
    static func write(_ copy: TableCopy, _ target: MapTarget) throws -> WholeFile {
        let file = try WholeFile(target.path, mode: 0o644)
        var line: [UInt8] = []
        for row in copy.rows {
            line.removeAll(keepingCapacity: true)
            try copy.withTexts(of: row) { name, _ in
                try append(name, value(of: row, in: copy, target.value), target.format, to: &line)
            }
            try file.write(line)
        }
        try file.sync()
        return file
    }

    private static func value(
        of row: TableCopy.Row, in copy: TableCopy, _ value: MapTarget.Value
    ) throws -> String {
        let place = copy.place(of: row)
        switch value {
        case .location: return place.name.text
        case .mode: return row.mode.rawValue
        case .upstream:
            guard let upstream = place.upstream else {
                throw BadLine(description: "the location \(place.name) has no upstream")
            }
            return upstream.text
        }
    }

    static func append(
        _ name: UnsafeRawBufferPointer, _ value: String, _ format: MapTarget.Format,
        to line: inout [UInt8]
    ) throws {
        guard !name.isEmpty, name.allSatisfy(isHost), !value.isEmpty, value.utf8.allSatisfy(isPlain)
        else {
            let host = String(decoding: name, as: UTF8.self)
            throw BadLine(description: "\(host) and \(value) don't make a line of a map")
        }
        line.append(contentsOf: name)
        line.append(0x20)
        line.append(contentsOf: value.utf8)
        if format == .nginx { line.append(UInt8(ascii: ";")) }
        line.append(0x0A)
    }

    private static func isHost(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E: true
        default: false
        }
    }

    /// What neither nginx nor HAProxy takes for anything but itself: no space, quote, comment, brace,
    /// backslash, semicolon or variable.
    private static func isPlain(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x22, 0x23, 0x24, 0x27, 0x3B, 0x5C, 0x7B, 0x7D: false
        default: octet > 0x20 && octet < 0x7F
        }
    }
}
