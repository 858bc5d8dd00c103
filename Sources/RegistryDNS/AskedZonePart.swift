/// What a server has at the places of a zone's part, as far as it can be told by asking for addresses, held against the picture.
///
/// An answer doesn't say whether the name is there or a wildcard has answered for it, and nothing says what else is at or below
/// a name. So no name is ever taken out of the tree here: where the picture has none, and something else is answered than the
/// wildcard says, the name gets what the wildcard says, which is right whatever lies at or below it; where the same is answered,
/// nothing is touched. Comparing the whole takes out what only repeats the wildcard. What is to be there is written
/// anew wherever it can't be told whether it is.
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

    /// What has to be asked for, each once.
    public var names: [String] {
        Set((picture + base).map(\.name) + absent.map(\.name)).sorted()
    }

    /// - Parameters:
    ///   - answers: of each of `names`.
    ///   - targets: as the whole difference has them.
    ///   - leftOut: names that the picture can't say.
    public func difference(
        _ answers: [String: Answer], targets: KnownTargets, leftOut: Set<String> = []
    ) throws(NeedsWhole) -> ZoneDifference {
        let wildcard = "*." + zone
        let wanted = (picture + base).filter {
            $0.name == wildcard && RecordSet.addressTypes.contains($0.type)
        }
        guard answers[wildcard]?.content == Answer(wanted, isThere: true).content else {
            throw .wildcardDiffers(wildcard)
        }
        let certain = certainNames(answers)
        // What nobody asks for is taken to be as it was when the whole was compared.
        var served = base.filter { !RecordSet.addressTypes.contains($0.type) }
            .map { ServedSet($0) }
        var sets = picture.filter { !isWritten($0, answers, certain) }
        var registered: Set<String> = []
        let pictured = ZoneAnswers(zone: zone, picture + base)
        let held = heldNames(answers, targets)
        var asked = Set((picture + base).map(\.name))
        for place in absent {
            guard let answer = answers[place.name] else { continue }
            if answer.sets.isEmpty, !held.contains(ZoneName.node(place.name)) {
                // Something is at or below a name of the registry's, or the wildcard would have answered.
                guard place.isRegistered, answer.isThere else { continue }
                served.append(Self.mark(below: place.name))
                registered.insert(place.name)
                continue
            }
            let instead = pictured.wildcard(below: ZoneName.parent(place.name) ?? zone)
                .map { $0.renamed(place.name) }
            let addresses = instead.filter { RecordSet.addressTypes.contains($0.type) }
            guard Answer(addresses, isThere: true).content != answer.content else { continue }
            sets += instead.filter { !isWritten($0, answers, certain) }
            asked.insert(place.name)
        }
        for name in asked { served += (answers[name]?.sets ?? []).map { ServedSet($0) } }
        let uncertain = Set(answers.keys).subtracting(certain)
        let difference = ZoneDifference(
            zone: zone, picture: sets, base: base, served: served, targets: targets,
            comparesBase: true, registered: registered, leftOut: leftOut, uncertain: uncertain)
        if let left = difference.left.first(where: { uncertain.contains($0.name) }) {
            throw .untold(left)
        }
        return difference
    }

    /// Names with records of the registry's at or below them. Where such a name has no answer, it's in the tree because of those.
    private func heldNames(
        _ answers: [String: Answer], _ targets: KnownTargets
    ) -> Set<String> {
        var held: Set<String> = []
        for (name, answer) in answers
        where !answer.sets.isEmpty && answer.sets.allSatisfy({ targets.holds($0) }) {
            var rest: String? = ZoneName.node(name)
            while let node = rest, node != zone, held.insert(node).inserted {
                rest = ZoneName.parent(node)
            }
        }
        return held
    }

    /// Whether a set is what a wildcard of the operator's has besides addresses, at a name that is there for certain, and so got it when it
    /// came. Where that's uncertain, a message says that nothing of the type may be there yet.
    private func isWritten(
        _ set: RecordSet, _ answers: [String: Answer], _ certain: Set<String>
    ) -> Bool {
        !RecordSet.addressTypes.contains(set.type) && certain.contains(set.name)
            && !(answers[set.name]?.sets.isEmpty ?? true)
    }

    /// A record of the operator's, whatever it is. At the name itself none but addresses can stand beside it, which servers see to.
    private static func mark(below name: String) -> ServedSet {
        ServedSet(
            RecordSet(name: "_." + name, type: "TXT", ttl: 0, data: .values([])), isOperators: true)
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
