extension HAProxySocket {
    /// Which map HAProxy has: it counts its versions, and a whole map is a new one.
    private struct MapState: Equatable {
        var version: Int
        /// Of all versions, those that nobody committed too.
        var entries: Int
    }

    /// Changes single entries, each of them at once for whoever looks.
    ///
    /// - Parameter version: of the map, as `replace` left it.
    /// - Returns: false where the map wasn't as it was left, or isn't now as it should be: then it has to be replaced.
    func change(
        _ map: String, _ difference: MapDifference, version: Int
    ) throws(Failure) -> Bool {
        var state = MapState(version: version, entries: difference.oldCount)
        guard try self.state(of: map) == state else { return false }
        for change in difference.changes {
            let command =
                switch change {
                case .added(let name, let value): "add map \(map) \(name) \(value)"
                case .set(let name, let value): "set map \(map) \(name) \(value)"
                case .removed(let name): "del map \(map) \(name)"
                }
            guard try ask(command).trimmed.isEmpty else { return false }
        }
        state.entries = difference.newCount
        return try self.state(of: map) == state
    }

    private func state(of map: String) throws(Failure) -> MapState? {
        // `0 (/etc/hosts.map) pattern loaded from file … curr_ver=1 next_ver=1 entry_cnt=3`
        let line = try ask("show map").split(separator: "\n").first { $0.contains("(\(map))") }
        var numbers: [Substring: Int] = [:]
        for word in line?.split(separator: " ") ?? [] {
            let parts = word.split(separator: "=")
            if parts.count == 2 { numbers[parts[0]] = Int(parts[1]) }
        }
        guard let version = numbers["curr_ver"], let entries = numbers["entry_cnt"] else {
            return nil
        }
        return MapState(version: version, entries: entries)
    }
}
