/// What a server has of one type at a name, and what the comparison has to know about it.
public struct ServedSet: Hashable, Sendable {
    /// Its values as `RecordSet` has them, whatever the server writes.
    public var set: RecordSet
    /// Whatever its values are: weighted sets, those with a health check.
    public var isOperators: Bool
    /// The values as the server writes them, where they're others: who deletes it must repeat them.
    public var written: [String]?
    /// Of an alias: whether Route 53 asks after the target's health.
    public var evaluatesHealth: Bool

    public init(
        _ set: RecordSet, isOperators: Bool = false, written: [String]? = nil,
        evaluatesHealth: Bool = false
    ) {
        self.set = set
        self.isOperators = isOperators
        self.written = written
        self.evaluatesHealth = evaluatesHealth
    }
}

/// What a name has of the types that are to be changed, before and after.
public struct NameChange: Hashable, Sendable {
    public var name: String
    public var before: [ServedSet]
    public var after: [RecordSet]

    public init(name: String, before: [ServedSet], after: [RecordSet]) {
        self.name = name
        self.before = before
        self.after = after
    }
}

/// A name that isn't as the picture has it, and stays so.
public struct LeftName: Hashable, Sendable {
    public var name: String
    /// Of the operator's record set that keeps it.
    public var type: String

    public init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// How what a server has differs from the picture, name by name.
///
/// Whose is a record? The registry's are sets of addresses, names and aliases that lead to locations alone (`KnownTargets`) and
/// that the base doesn't hold; and those that have what a wildcard of the base's above them has, in the base or on the server, at
/// names that the base doesn't hold: the picture says there what the wildcard would have said. All others are the operator's:
///
/// - They're never deleted. With `comparesBase` those of the base are written where they're missing or others, and what the
///   picture has copied from the base's wildcards goes where the picture has it no longer.
/// - Where one stands where the picture has a CNAME, which can't be beside it, the name gets what the wildcard would have answered, if
///   those are addresses: whoever comes is led on from there (`besideCNAME`).
/// - Where one leads visitors somewhere, or stands where there can be nothing but a CNAME, the whole name is left as it is (`left`).
/// - Where one that the base doesn't hold keeps a name in the tree that the picture has no longer, the wildcard above can't answer
///   for that name. So it isn't deleted: it gets what the wildcard would have answered (`keptInTree`). The same where a name never
///   had a record of the registry's because it lives where the wildcard leads: the picture can't tell it from names that
///   nobody has, so whoever compares has to ask the registry (`unanswered`), and say which of them it knows.
public struct ZoneDifference: Sendable {
    public let zone: String
    /// Sorted by name.
    public private(set) var changes: [NameChange] = []
    public private(set) var left: [LeftName] = []
    /// Names that have the wildcard's addresses, for a CNAME can't stand beside what the operator has there. Sorted by name.
    public private(set) var besideCNAME: [LeftName] = []
    public private(set) var keptInTree: [String] = []
    /// Names that the operator's records outside of the base take from the wildcard, and that the picture doesn't have.
    public private(set) var unanswered: [String] = []
    /// How many record sets the server has that are neither the registry's nor the base's.
    public private(set) var foreignCount = 0
    /// How many it will have in all.
    public private(set) var resultingCount = 0
    /// Whether it's of places alone that may have changed: nothing is taken out of the tree then.
    let isPart: Bool
    /// Without signatures.
    let served: [ServedSet]

    /// - Parameters:
    ///   - picture: the registry's record sets.
    ///   - base: the operator's.
    ///   - comparesBase: whether the base's are written too.
    ///   - registered: those of the `unanswered` names that the registry has at the default location.
    ///   - leftOut: names that the picture can't say: what they have of the registry's stays.
    ///   - uncertain: of a part: names of which nobody knows whether they have what's `served`, or only a wildcard says the
    ///     same. Whatever leads visitors there is written anew. nil: it's all of the zone.
    public init(
        zone: String, picture: [RecordSet], base: [RecordSet], served: [ServedSet],
        targets: KnownTargets, comparesBase: Bool, registered: Set<String> = [],
        leftOut: Set<String> = [], uncertain: Set<String>? = nil
    ) {
        self.zone = zone
        isPart = uncertain != nil
        self.served = served.filter { !RecordSet.signersTypes.contains($0.set.type) }
        var names = NameTable()
        for set in picture { names[names.number(of: set.name)].picture.append(set) }
        for set in base { names[names.number(of: set.name)].base.append(set) }
        // What the base's wildcards have besides addresses, the picture's names have too.
        let inherited = Dictionary(
            grouping: comparesBase ? base.filter { ZoneName.isWildcard($0.name) } : [],
            by: { ZoneName.node($0.name) }
        ).mapValues { Set($0.map(Copied.init)) }
        let wildcards = BaseWildcards(base, self.served.map(\.set))
        var foreign: [RecordSet] = []
        for set in self.served {
            let number = names.number(of: set.set.name)
            if names[number].base.contains(where: { $0.type == set.set.type }) {
                names[number].servedBase.append(set)
            } else if !set.isOperators,
                targets.holds(set.set) || Self.isCopy(set.set, of: inherited)
                    || names[number].base.isEmpty && wildcards.areCopied(in: set.set, targets)
            {
                names[number].own.append(set)
            } else {
                names[number].foreign.append(set)
                foreign.append(set.set)
            }
        }
        let inTree = Self.namesInTree(foreign, zone)
        var kept: Set<String> = []
        lazy var wanted = ZoneAnswers(zone: zone, picture + base)
        unanswered = Self.unanswered(among: inTree, names, zone)
        for name in unanswered where registered.contains(name) {
            let wildcard = wanted.wildcard(below: ZoneName.parent(name) ?? zone)
            for place in [name, "*." + name] {
                let number = names.number(of: place)
                guard names[number].picture.isEmpty, names[number].base.isEmpty else { continue }
                names[number].picture = Self.stand(in: place, for: wildcard)
            }
            if !wildcard.isEmpty { kept.insert(name) }
        }
        for (name, number) in names.numbers {
            var entry = names[number]
            if entry.picture.isEmpty, !entry.own.isEmpty, inTree.contains(ZoneName.node(name)),
                ZoneName.node(name) != zone, entry.base.isEmpty
            {
                entry.picture = Self.stand(
                    in: name, for: wanted.wildcard(below: ZoneName.parent(name) ?? ""))
                if !entry.picture.isEmpty { kept.insert(ZoneName.node(name)) }
            }
            // Where the operator has something else of the type, that is what the name has.
            entry.picture.removeAll { copy in
                !RecordSet.addressTypes.contains(copy.type)
                    && entry.foreign.contains { $0.set.type == copy.type }
            }
            if let other = Self.otherBesideCNAME(of: entry, comparesBase: comparesBase) {
                let instead = Self.stand(
                    in: name, for: wanted.wildcard(below: ZoneName.parent(name) ?? ""))
                if !instead.isEmpty, !instead.contains(where: { $0.type == "CNAME" }) {
                    entry.picture = instead
                    besideCNAME.append(LeftName(name: name, type: other))
                }
            }
            if entry.picture.isEmpty, let own = entry.own.first, leftOut.contains(name) {
                left.append(LeftName(name: name, type: entry.base.first?.type ?? own.set.type))
                continue
            }
            let isOwn = !entry.own.isEmpty || !entry.picture.isEmpty
            if let holder = Self.holder(of: entry, isOwn: isOwn, comparesBase: comparesBase) {
                left.append(LeftName(name: name, type: holder))
            } else {
                note(
                    entry, name, comparesBase: comparesBase,
                    isCertain: !(uncertain?.contains(name) ?? false))
            }
        }
        changes.sort { $0.name < $1.name }
        left.sort { $0.name < $1.name }
        besideCNAME.sort { $0.name < $1.name }
        keptInTree = kept.subtracting(left.map(\.name)).sorted()
        foreignCount = foreign.count { $0.type != "SOA" }
        resultingCount = changes.reduce(served.count) { $0 + $1.after.count - $1.before.count }
    }

    private mutating func note(
        _ entry: NameTable.Entry, _ name: String, comparesBase: Bool, isCertain: Bool
    ) {
        var (before, after) = (entry.own, entry.picture)
        if comparesBase {
            before += entry.servedBase.filter { $0.set.type != "SOA" }
            after += entry.base.filter { $0.type != "SOA" }
        }
        // What is as it should be needn't be touched.
        let same = before.filter { old in
            (isCertain || !RecordSet.addressTypes.contains(old.set.type))
                && after.contains { $0.isServed(as: old.set) }
        }
        before.removeAll { same.contains($0) }
        after.removeAll { new in same.contains { new.isServed(as: $0.set) } }
        guard !before.isEmpty || !after.isEmpty else { return }
        changes.append(NameChange(name: name, before: before, after: after))
    }

    /// A set of a wildcard's that stands under other names too.
    private struct Copied: Hashable {
        var type: String
        var data: RecordData

        init(_ set: RecordSet) {
            (type, data) = (set.type, set.data)
        }
    }

    /// Whether a set is the picture's, though it leads nobody: what it has from a wildcard of the base.
    private static func isCopy(
        _ set: RecordSet, of inherited: [String: Set<Copied>]
    ) -> Bool {
        guard !inherited.isEmpty, !RecordSet.addressTypes.contains(set.type), set.type != "SOA"
        else { return false }
        var rest = ZoneName.parent(set.name)
        while let above = rest {
            if inherited[above]?.contains(Copied(set)) ?? false { return true }
            rest = ZoneName.parent(above)
        }
        return false
    }

    /// The type of the operator's set, of none that leads visitors, where the picture has a CNAME.
    private static func otherBesideCNAME(
        of entry: NameTable.Entry, comparesBase: Bool
    ) -> String? {
        guard entry.picture.contains(where: { $0.type == "CNAME" }) else { return nil }
        let others = (entry.foreign + (comparesBase ? [] : entry.servedBase)).map(\.set.type)
        return others.contains(where: RecordSet.addressTypes.contains) ? nil : others.first
    }

    /// The type of the operator's set that keeps a name as it is: one that leads visitors, or one beside which the server
    /// takes no CNAME.
    private static func holder(
        of entry: NameTable.Entry, isOwn: Bool, comparesBase: Bool
    ) -> String? {
        let written = entry.picture + (comparesBase ? entry.base : [])
        let isName = written.contains { $0.type == "CNAME" }
        let others = entry.foreign + (comparesBase ? [] : entry.servedBase)
        return others.first {
            isName || $0.set.type == "CNAME"
                || isOwn && RecordSet.addressTypes.contains($0.set.type)
        }?.set.type
    }

    /// Of these sets: their names, and those above.
    private static func namesInTree(_ sets: [RecordSet], _ zone: String) -> Set<String> {
        var names: Set<String> = []
        for set in sets {
            var rest: String? = set.name
            while let name = rest, ZoneName.isIn(zone, name), names.insert(name).inserted {
                rest = ZoneName.parent(name)
            }
        }
        return names
    }

    /// Names that a visitor's host may have, where neither the picture nor the operator's records say what answers.
    private static func unanswered(
        among inTree: Set<String>, _ names: NameTable, _ zone: String
    ) -> [String] {
        inTree.filter { name in
            guard name != zone, !name.utf8.contains(UInt8(ascii: "*")), ZoneName.mayBeHost(name)
            else { return false }
            if let entry = names.entry(of: name) {
                guard entry.picture.isEmpty, entry.base.isEmpty,
                    !entry.foreign.contains(where: {
                        RecordSet.addressTypes.contains($0.set.type)
                    })
                else { return false }
            }
            // Another zone begins there, or all below it is led elsewhere.
            return !([name] + ZoneName.between(name, zone)).contains { above in
                let entry = names.entry(of: above)
                let types = (entry?.foreign.map(\.set.type) ?? []) + (entry?.base.map(\.type) ?? [])
                return types.contains("NS") || types.contains("DNAME")
            }
        }.sorted()
    }

    /// A wildcard's address sets, under another name.
    static func stand(in name: String, for wildcard: [RecordSet]) -> [RecordSet] {
        wildcard.filter { RecordSet.addressTypes.contains($0.type) }.map {
            RecordSet(name: name, type: $0.type, ttl: $0.ttl, data: $0.data)
        }
    }
}

extension RecordSet {
    /// Whether a server that has `other` has this one. An alias has no TTL of its own.
    func isServed(as other: RecordSet) -> Bool {
        guard type == other.type, data == other.data else { return false }
        if case .alias = data { return true }
        return ttl == other.ttl
    }
}
