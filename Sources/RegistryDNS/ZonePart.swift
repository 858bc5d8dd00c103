import RegistryModel

/// The places of a zone whose records may be others since some of the registry's names have changed.
///
/// A name that comes, goes or moves has other records itself; it takes the wildcard from what lies beside and above it, or gives
/// it back; and below whatever has records there's a wildcard. So these places are the name, the names between it and the
/// zone, and the wildcards right below them. Nothing else in the zone depends on what has changed.
public struct ZonePart: Sendable {
    public let zone: String
    /// The changed names and those between them and the zone: each stands for the wildcard below it too.
    public let nodes: Set<String>
    /// Hashes of the labels next to the zone's, of all nodes. A name that has one of them by chance is looked at, and changes nothing.
    private let tops: Set<UInt64>

    /// - Parameter changed: names that the registry has, or had. Those of other zones are passed over.
    public init(zone: FQDN, changed: some Sequence<FQDN>) {
        self.zone = zone.text
        var (nodes, tops): (Set<String>, Set<UInt64>) = ([], [])
        for name in changed where ZoneName.isIn(zone.text, name.text) {
            guard nodes.insert(name.text).inserted else { continue }
            nodes.formUnion(ZoneName.between(name.text, zone.text))
            guard name != zone else { continue }
            let label = Array(name.text.utf8.dropLast(zone.text.utf8.count + 1))
            tops.insert(label.withUnsafeBytes(Self.top))
        }
        self.nodes = nodes
        self.tops = tops
    }

    /// Whether a name of the registry's may count for the part: those that share the label next to the zone's with one
    /// of its nodes.
    public func mayNeed(_ name: UnsafeRawBufferPointer) -> Bool {
        let length = name.count - zone.utf8.count
        guard length >= 0, zone.utf8.elementsEqual(name[length...]) else { return false }
        guard length > 0 else { return nodes.contains(zone) }
        guard length > 1, name[length - 1] == UInt8(ascii: ".") else { return false }
        return tops.contains(Self.top(UnsafeRawBufferPointer(rebasing: name[..<(length - 1)])))
    }

    /// Of the last label, FNV-1a: millions of names are looked at.
    private static func top(_ relative: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in relative.reversed() {
            guard byte != UInt8(ascii: ".") else { break }
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return hash
    }

    /// Whether what a picture has there is this part's. The zone's own wildcard always is: whether an answer is
    /// made of it can only be told by it.
    func holds(_ name: String) -> Bool {
        let node = ZoneName.node(name)
        return nodes.contains(node) && (node != zone || name == zone) || name == "*." + zone
    }
}

/// A place of a part at which the picture has nothing, so that the wildcard's answer is the right one there.
public struct AbsentName: Hashable, Sendable {
    /// A name, or the wildcard below one.
    public var name: String
    /// Whether the registry has the name, where the zone's wildcard leads.
    public var isRegistered: Bool

    public init(name: String, isRegistered: Bool) {
        self.name = name
        self.isRegistered = isRegistered
    }
}

/// What the picture of a whole zone has at the places of a part.
public struct ZonePartPicture: Sendable {
    public let picture: ZonePicture
    /// Sorted by name. Those are left out of which another zone answers.
    public let absent: [AbsentName]

    /// - Parameter names: each name of the registry's that the part may need, and where it lives.
    public init(
        _ rules: ZoneRules, _ part: ZonePart, names: [(name: String, location: LocationName)]
    ) throws {
        picture = try ZonePicture(rules, part) { show in
            for (name, location) in names { show(Substring(name), location) }
        }
        let present = Set(picture.sets.map(\.name))
        let leftOut = Set(picture.leftOut.map(\.name))
        let registered = Set(
            names.filter { $0.location == rules.defaultLocation && !leftOut.contains($0.name) }
                .map(\.name))
        var absent: [AbsentName] = []
        for node in part.nodes where rules.cut(above: node) == nil {
            for place in node == part.zone ? [node] : [node, "*." + node]
            where !present.contains(place) && place.utf8.count <= ZoneName.maximumBytes {
                absent.append(
                    AbsentName(name: place, isRegistered: registered.contains(place)))
            }
        }
        self.absent = absent.sorted { $0.name < $1.name }
    }
}
