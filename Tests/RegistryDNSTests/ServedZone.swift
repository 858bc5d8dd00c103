import RegistryDNS

/// What a server answers from a zone, by RFC 1034 §4.3.2 and RFC 4592: the nearest name that exists decides whether
/// there's a wildcard.
struct ServedZone {
    private let zone: String
    private var sets: [String: [RecordSet]] = [:]
    private var existing: Set<String>

    init(_ zone: String, _ sets: [RecordSet]) {
        self.zone = zone
        existing = [zone]
        for set in sets {
            self.sets[set.name, default: []].append(set)
            var labels = set.name.split(separator: ".")
            while labels.count > zone.split(separator: ".").count {
                existing.insert(labels.joined(separator: "."))
                labels.removeFirst()
            }
        }
    }

    /// - Returns: nil: the name isn't there; none: it is, with other types.
    func answer(_ name: String, _ type: String) -> [String]? {
        guard !existing.contains(name) else { return values(at: name, type) }
        var labels = name.split(separator: ".")[...]
        repeat {
            labels = labels.dropFirst()
        } while !existing.contains(
            labels.joined(separator: "."))
        let wildcard = "*." + labels.joined(separator: ".")
        return existing.contains(wildcard) ? values(at: wildcard, type) : nil
    }

    private func values(at name: String, _ type: String) -> [String] {
        let sets = sets[name] ?? []
        return (sets.first { $0.type == type || $0.type == "CNAME" })?.values ?? []
    }
}
