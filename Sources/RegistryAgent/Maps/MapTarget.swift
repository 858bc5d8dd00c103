import RegistryModel

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
