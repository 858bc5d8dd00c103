/// What a server has at the places of a zone's part, as far as it can be told by asking for addresses, held against the picture.
///
/// An answer doesn't say whether the name is there or a wildcard has answered for it. It's there for certain where it
/// says anything else than that wildcard does. Where it doesn't, what is to be there is written anew, and what isn't is deleted:
/// both are right whether the name is there or not.
public struct AskedZonePart: Sendable {
    /// What was answered to the questions for A and AAAA of one name.
    public struct Answer: Hashable, Sendable {
        /// A, AAAA and CNAME sets of the name.
        public var sets: [RecordSet]
        /// Whether the server that is the zone's says that there is such a name.
        public var isThere: Bool

        public init(_ sets: [RecordSet], isThere: Bool) {
            self.sets = sets
            self.isThere = isThere
        }

        /// What a wildcard and the name that it answers for have in common.
        fileprivate var content: Set<RecordSet> { Set(sets.map { $0.renamed("") }) }
    }

    /// Why the whole zone has to be compared.
    public enum NeedsWhole: Error, Hashable, CustomStringConvertible {
        case wildcardDiffers(String)
        case untold(LeftName)

        public var description: String {
            switch self {
            case .wildcardDiffers(let name): "the server has other records of \(name)"
            case .untold(let left):
                "\(left.name) has the operator's \(left.type), or a wildcard that isn't in --base answers for it"
            }
        }
    }

    public let zone: String
    private let picture: [RecordSet]
    private let base: [RecordSet]
    private let absent: [AbsentName]

    /// - Parameters:
    ///   - picture: the registry's sets at the part's places, and the zone's own wildcard.
    ///   - base: the operator's there.
    public init(zone: String, picture: [RecordSet], base: [RecordSet], absent: [AbsentName]) {
        self.zone = zone
        self.picture = picture
        self.base = base
        self.absent = absent
    }

    /// What has to be asked for, each once: the part's places, and below names without an exception those at which a challenge
    /// of somebody else's may keep them in the tree.
    public var names: [String] {
        let places = Set((picture + base).map(\.name) + absent.map(\.name))
        return places.sorted() + absent.compactMap { Self.challenge(below: $0.name) }
    }

    /// The one name of the operator's that comes and goes without anybody's writing it into `--base` (RFC 8555 §8.4).
    private static func challenge(below name: String) -> String? {
        let challenge = "_acme-challenge." + name
        return ZoneName.isWildcard(name) || challenge.utf8.count > ZoneName.maximumBytes
            ? nil : challenge
    }

    /// - Parameters:
    ///   - answers: of each of `names`.
    ///   - targets: as the whole difference has them.
    public func difference(
        _ answers: [String: Answer], targets: KnownTargets
    ) throws(NeedsWhole) -> ZoneDifference {
        let wildcard = "*." + zone
        let wanted = (picture + base).filter {
            $0.name == wildcard && RecordSet.addressTypes.contains($0.type)
        }
        guard answers[wildcard]?.content == Answer(wanted, isThere: true).content else {
            throw .wildcardDiffers(wildcard)
        }
        let certain = certainNames(answers)
        var (served, registered): ([ServedSet], Set<String>) = ([], [])
        for name in Set((picture + base).map(\.name) + absent.map(\.name)) {
            served += (answers[name]?.sets ?? []).map { ServedSet($0) }
        }
        served += copies(answers)
        // What nobody asks for is taken to be as it was when the whole was compared.
        served += base.filter { !RecordSet.addressTypes.contains($0.type) }.map { ServedSet($0) }
        for place in absent {
            if let challenge = Self.challenge(below: place.name), let answer = answers[challenge],
                answer.content != answers["*." + place.name]?.content
            {
                served.append(Self.mark(challenge))
            }
            guard place.isRegistered, let answer = answers[place.name], answer.isThere,
                answer.sets.isEmpty
            else { continue }
            // Something is at or below it, or the wildcard would have answered.
            served.append(Self.mark(place.name))
            registered.insert(place.name)
        }
        let uncertain = Set(answers.keys).subtracting(certain)
        let difference = ZoneDifference(
            zone: zone, picture: picture, base: base, served: served, targets: targets,
            comparesBase: true, registered: registered, uncertain: uncertain)
        if let left = difference.left.first(where: { uncertain.contains($0.name) }) {
            throw .untold(left)
        }
        return difference
    }

    /// What the operator's wildcards have besides addresses, at each name that may have it from them.
    private func copies(_ answers: [String: Answer]) -> [ServedSet] {
        let copied = base.filter {
            ZoneName.isWildcard($0.name) && !RecordSet.addressTypes.contains($0.type)
        }
        guard !copied.isEmpty else { return [] }
        let held = Set(base.map(\.name))
        let places = Set(picture.map(\.name) + absent.map(\.name)).subtracting(held)
            .subtracting(["*." + zone])
        return places.filter { answers[$0]?.isThere ?? false }.flatMap { name in
            Set(copied.map { $0.renamed(name) }).map { ServedSet($0, isAssumed: true) }
        }
    }

    /// A record of the operator's, of whatever type it is.
    private static func mark(_ name: String) -> ServedSet {
        ServedSet(
            RecordSet(name: name, type: "TXT", ttl: 0, data: .values([])), isOperators: true)
    }

    /// Names whose answers aren't a wildcard's for certain.
    private func certainNames(_ answers: [String: Answer]) -> Set<String> {
        var certain: Set<String> = [zone]
        let fromTop = answers.keys.map { ($0, ZoneName.depth(of: $0, below: zone)) }.sorted {
            $0.1 < $1.1
        }
        for (name, _) in fromTop where name != zone {
            guard let answer = answers[name], let parent = ZoneName.parent(name) else { continue }
            let isCertain: Bool
            if answer.sets.isEmpty {
                // There's nothing to be mistaken about.
                isCertain = true
            } else if !ZoneName.isWildcard(name) {
                isCertain = answers["*." + parent].map { $0.content != answer.content } ?? false
            } else {
                // If the name above weren't there, both would be answered by the same wildcard.
                isCertain =
                    certain.contains(parent)
                    || answers[parent].map { $0.content != answer.content } ?? false
            }
            if isCertain { certain.insert(name) }
        }
        return certain
    }
}
