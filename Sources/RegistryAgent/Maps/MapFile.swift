import DurableFiles
import RegistryAPI
import RegistryModel
import RoutingTable

/// Writes map files: a line for each domain, by name.
enum MapFile {
    /// A line that a proxy could read as something else.
    struct InvalidLine: Error, CustomStringConvertible {
        let description: String
    }

    /// Writes the map beside the one that is there: where a link leads to, and for those whom that one lets
    /// read it.
    ///
    /// - Parameter longest: bytes that a name may have in the proxy's map.
    static func write(
        _ copy: PackedTable, _ target: MapTarget, longest: Int = FQDN.maximumBytes
    ) throws -> DurableFile {
        let file = try DurableFile(target.path, .kept(otherwise: 0o644), isDigested: true)
        var line: [UInt8] = []
        try copy.forEach { row in
            // As in exports: no line is better than a wrong one.
            guard let value = value(of: row, in: copy, target) else { return }
            guard row.name.count <= longest else {
                throw InvalidLine(
                    description:
                        "\(String(decoding: row.name, as: UTF8.self)) has \(row.name.count) bytes, and the proxy's maps have room for \(longest) (--max-map-key); the maps stay as they are"
                )
            }
            line.removeAll(keepingCapacity: true)
            try append(row.name, value, target.format, to: &line)
            try file.write(line)
        }
        try file.sync()
        return file
    }

    private static func value(
        of row: PackedRow, in copy: PackedTable, _ target: MapTarget
    ) -> [UInt8]? {
        let place = copy.place(of: row)
        return switch target.value {
        case .location: Array(place.name.text.utf8)
        case .mode: row.mode.map { Array($0.rawValue.utf8) }
        case .upstream:
            place.upstream.map {
                target.format == .nginx ? MapText.nginx($0.text) : Array($0.text.utf8)
            }
        }
    }

    /// - Throws: `InvalidLine` for bytes that no name or value has.
    static func append(
        _ name: UnsafeRawBufferPointer, _ value: [UInt8], _ format: MapTarget.Format,
        to line: inout [UInt8]
    ) throws {
        guard !name.isEmpty, name.allSatisfy(isHost), !value.isEmpty,
            value.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            let (host, value) = (
                String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)
            )
            throw InvalidLine(description: "\(host) and \(value) don't make a line of a map")
        }
        line.append(contentsOf: name)
        line.append(0x20)
        line.append(contentsOf: value)
        if format == .nginx { line.append(UInt8(ascii: ";")) }
        line.append(0x0A)
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E: true
        default: false
        }
    }
}

/// A map file that an agent keeps for a proxy.
package struct MapTarget: Sendable, Hashable, CustomStringConvertible {
    package enum Format: String, Sendable, CaseIterable {
        case nginx = "nginx-map"
        case haproxy = "haproxy-map"
    }

    /// What stands beside each host.
    package enum Value: String, Sendable, CaseIterable {
        case location, mode, upstream
    }

    package var format: Format
    package var value: Value
    package var path: String

    /// Reads `nginx-map:PATH` or `nginx-map:mode:PATH`. Nil: it's neither.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let format = Format(rawValue: String(parts[0])) else { return nil }
        self.format = format
        if parts.count == 3, let value = Value(rawValue: String(parts[1])) {
            self.value = value
            path = String(parts[2])
        } else {
            value = .location
            path = String(text.dropFirst(parts[0].count + 1))
        }
        guard !path.isEmpty else { return nil }
    }

    package var description: String { "\(format.rawValue):\(value.rawValue):\(path)" }
}
