import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel
import RoutingTable

/// Writes proxies' files: a line for each domain, by name.
enum MapFile {
    private static let pieceSize = 1 << 16

    /// A line that a proxy could read as something else.
    struct InvalidLine: Error, CustomStringConvertible {
        let description: String
    }

    /// Writes the map beside the one that is there: where a link leads to, and for those whom that one lets
    /// read it. It isn't synced.
    ///
    /// - Parameters:
    ///   - longest: bytes that a name may have in the proxy's map.
    ///   - comparison: gets each line.
    static func write(
        _ copy: PackedTable, _ target: MapTarget, longest: Int = FQDN.maximumBytes,
        comparison: MapComparison? = nil
    ) throws -> DurableFile {
        let file = try DurableFile(target.path, .kept(otherwise: 0o644), isDigested: true)
        let traefik =
            target.format == .traefik ? TraefikConfiguration(copy.summary.locations) : nil
        var lines = traefik?.opening ?? []
        lines.reserveCapacity(pieceSize + 1024)
        var last: (location: Int, mode: Mode?, value: [UInt8]?)?
        var isFirst = true
        try copy.forEach { row in
            // A value is made once for all the rows that have it, one after the other.
            if traefik == nil, last?.location != row.location || last?.mode != row.domain?.mode {
                last = (row.location, row.domain?.mode, value(of: row, in: copy, target))
            }
            guard row.name.count <= longest else {
                throw InvalidLine(
                    description:
                        "\(String(decoding: row.name, as: UTF8.self)) has \(row.name.count) bytes, and the proxy's maps have room for \(longest) (--max-map-key); the maps stay as they are"
                )
            }
            // As in exports: no line is better than a wrong one.
            if let traefik, row.domain != nil {
                try append(row, in: copy, traefik, isFirst: isFirst, to: &lines)
                isFirst = false
            } else if let value = last?.value {
                try append(row.name, value, target.format, to: &lines)
            }
            guard lines.count >= pieceSize else { return }
            comparison?.take(lines)
            try file.write(lines)
            lines.removeAll(keepingCapacity: true)
        }
        if traefik != nil { lines += TraefikConfiguration.closing(hasRouters: !isFirst) }
        comparison?.take(lines)
        try file.write(lines)
        try file.flush()
        return file
    }

    private static func append(
        _ row: PackedRow, in copy: PackedTable, _ traefik: TraefikConfiguration, isFirst: Bool,
        to line: inout [UInt8]
    ) throws {
        guard let mode = row.domain?.mode else { return }
        try checkHost(row.name)
        traefik.appendRouters(
            String(decoding: row.name, as: UTF8.self), at: copy.place(of: row).name, mode,
            isFirst: isFirst, to: &line)
    }

    private static func value(
        of row: PackedRow, in copy: PackedTable, _ target: MapTarget
    ) -> [UInt8]? {
        let place = copy.place(of: row)
        return switch target.value {
        case .location: Array(place.name.text.utf8)
        case .mode: row.domain.map { Array($0.mode.rawValue.utf8) }
        case .placement: row.domain.map { MapText.placement(place.name, $0.mode) }
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
        try checkHost(name)
        guard !value.isEmpty, value.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw InvalidLine(
                description: "\(String(decoding: value, as: UTF8.self)) is no value of a map")
        }
        line.append(contentsOf: name)
        line.append(0x20)
        line.append(contentsOf: value)
        if format == .nginx { line.append(UInt8(ascii: ";")) }
        line.append(0x0A)
    }

    private static func checkHost(_ name: UnsafeRawBufferPointer) throws {
        guard !name.isEmpty, name.allSatisfy(isHost) else {
            throw InvalidLine(
                description: "\(String(decoding: name, as: UTF8.self)) is no host of a map")
        }
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E: true
        default: false
        }
    }
}

/// A file that an agent keeps for a proxy: a map, or Traefik's own configuration.
package struct MapTarget: Sendable, Hashable, CustomStringConvertible {
    package enum Format: String, Sendable, CaseIterable {
        case nginx = "nginx-map"
        case haproxy = "haproxy-map"
        case traefik = "traefik-file"
    }

    /// What stands beside each host in a map.
    package enum Value: String, Sendable, CaseIterable {
        case location, mode, upstream
        /// Location and mode, `japan:serve`: a proxy looks once, and never sees one without the other.
        case placement
    }

    package var format: Format
    package var value: Value
    package var path: String

    /// Reads `nginx-map:PATH`, `nginx-map:mode:PATH` or `traefik-file:PATH`. Nil: it's neither.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let format = Format(rawValue: String(parts[0])) else { return nil }
        self.format = format
        // A word before another colon is a value, or a mistake: a path with a colon has a slash or a dot before it.
        if parts.count == 3, parts[1].allSatisfy({ $0.isLetter || $0 == "_" }) {
            guard format != .traefik, let value = Value(rawValue: String(parts[1])) else {
                return nil
            }
            self.value = value
            path = String(parts[2])
        } else {
            value = .location
            path = String(text.dropFirst(parts[0].count + 1))
        }
        guard !path.isEmpty else { return nil }
    }

    package var description: String {
        format == .traefik
            ? "\(format.rawValue):\(path)" : "\(format.rawValue):\(value.rawValue):\(path)"
    }

    /// What the proxy would make nothing of; nil: it can be read.
    package var fault: String? {
        guard format == .traefik else { return nil }
        // Traefik reads by the name's end, and JSON is YAML.
        guard path.hasSuffix(".yaml") || path.hasSuffix(".yml") else {
            return "Traefik reads a file whose name ends in .yaml or .yml, not \(path)"
        }
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil else {
            return "\(path) is a link, and Traefik doesn't see when what it leads to is replaced"
        }
        return nil
    }
}
