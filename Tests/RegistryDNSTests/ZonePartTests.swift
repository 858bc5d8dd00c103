import RegistryModel
import TestRandom
import Testing

@testable import RegistryDNS

private let japan = LocationName(canonical: "japan")
private let aws = LocationName(canonical: "aws")
private let zone = FQDN(canonical: "kintone.com")

/// What a registry and an operator have, and what becomes of it.
private struct ZoneStory {
    let rules: ZoneRules
    private(set) var before: [String: LocationName]
    private(set) var after: [String: LocationName]
    private(set) var part: ZonePart

    /// - Parameter copies: whether a wildcard of the operator's may have more than addresses.
    init(_ random: inout SeededRandom, copies: Bool) throws {
        let places: [DNSTargets] = [
            SamplePicture.addresses(10), SamplePicture.addresses(20, hasIPv6: false),
            SamplePicture.addresses(30), SamplePicture.name(1),
        ]
        let targets = [
            japan: places.randomElement(using: &random)!,
            aws: places.randomElement(using: &random)!,
        ]
        var records = [
            "_acme-challenge.%  IN TXT x", "% IN TXT x", "% IN A 203.0.113.9",
            "*.% IN A 203.0.113.8", "% IN NS ns.example.net.", "% IN CNAME example.net.",
            "% IN DNAME example.net.",
        ]
        if copies { records += ["*.% IN MX 10 mail.example.net.", "*.% IN TXT x"] }
        var rules: ZoneRules?
        while rules == nil {
            var text = ""
            var owners: Set<String> = []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let name = SamplePicture.randomName(&random)
                let record = records.randomElement(using: &random)!
                guard owners.insert(name).inserted else { continue }
                text += record.replacing("%", with: name + ".") + "\n"
            }
            // What contradicts is refused, and another one is thought of.
            guard let base = try? BaseZone(masterFile: Array(text.utf8), zone: zone) else {
                continue
            }
            rules = try? ZoneRules(
                zone: zone, defaultLocation: japan, ttl: 60, targets: targets, base: base,
                maximumBytes: BaseZone.maximumNameBytes)
        }
        self.rules = rules!
        var names: [String: LocationName] = [:]
        for _ in 0..<Int.random(in: 0...10, using: &random) {
            names[SamplePicture.randomName(&random)] = Bool.random(using: &random) ? aws : japan
        }
        if Int.random(in: 0..<8, using: &random) == 0 { names["kintone.com"] = aws }
        (before, after) = (names, names)
        part = ZonePart(zone: zone, changed: [])
        goOn(&random)
    }

    /// Something changes again.
    mutating func goOn(_ random: inout SeededRandom) {
        before = after
        after["elsewhere.example.net"] = aws
        var changed = ["elsewhere.example.net"]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let known = after.keys.filter { $0.hasSuffix("kintone.com") }.sorted()
            let name =
                Bool.random(using: &random)
                ? known.randomElement(using: &random) ?? "a.kintone.com"
                : SamplePicture.randomName(&random)
            changed.append(name)
            after[name] = [japan, aws, nil].randomElement(using: &random)!
        }
        part = ZonePart(zone: zone, changed: changed.map { FQDN(canonical: $0) })
    }

    func whole(_ names: [String: LocationName]) throws -> ZonePicture {
        try ZonePicture(rules) { show in
            for (name, location) in names { show(Substring(name), location) }
        }
    }

    func ofPart() throws -> ZonePartPicture {
        let needed = after.filter { name, _ in
            Array(name.utf8).withUnsafeBytes { part.mayNeed($0) }
        }
        return try ZonePartPicture(
            rules, part, names: needed.map { (name: $0.key, location: $0.value) })
    }
}

@Suite("A part of a zone") struct ZonePartTests {
    @Test(arguments: 0..<300) func `is all of the whole that changes, and as that has it`(
        seed: Int
    ) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let story = try ZoneStory(&random, copies: true)
        let (old, new) = try (story.whole(story.before), story.whole(story.after))
        let part = try story.ofPart()
        #expect(part.picture.sets == new.sets.filter { story.part.holds($0.name) })
        let (rest, restBefore) = (
            new.sets.filter { !story.part.holds($0.name) },
            old.sets.filter { !story.part.holds($0.name) }
        )
        #expect(rest == restBefore)
        let present = Set(new.sets.map(\.name))
        #expect(part.absent.allSatisfy { !present.contains($0.name) })
        // What goes is named.
        let going = Set(old.sets.map(\.name)).subtracting(present)
        #expect(going.isSubset(of: part.absent.map(\.name)))
        for absent in part.absent where absent.isRegistered {
            #expect(story.after[absent.name] == japan)
        }
    }

    @Test func `needs the names that share the label next to the zone's`() {
        let part = ZonePart(
            zone: zone, changed: ["a.b.kintone.com", "c.kintone.com"].map { FQDN(canonical: $0) })
        #expect(part.nodes == ["a.b.kintone.com", "b.kintone.com", "c.kintone.com"])
        let needed = [
            "b.kintone.com", "x.y.b.kintone.com", "c.kintone.com", "d.c.kintone.com",
            "ab.kintone.com", "kintone.com", "b.kintone.example", "bkintone.com", "com", "",
        ].filter { name in Array(name.utf8).withUnsafeBytes { part.mayNeed($0) } }
        #expect(
            needed == [
                "b.kintone.com", "x.y.b.kintone.com", "c.kintone.com", "d.c.kintone.com",
            ])
        let apex = ZonePart(zone: zone, changed: [zone])
        #expect(Array("kintone.com".utf8).withUnsafeBytes { apex.mayNeed($0) })
    }
}

@Suite("A part of a zone that is asked for") struct AskedZonePartTests {
    /// What a server answers, without saying whether by a wildcard.
    private func answers(
        _ names: [String], _ sets: [RecordSet], _ cuts: Set<String> = []
    ) -> [String: AskedZonePart.Answer] {
        let zone = ZoneAnswers(zone: "kintone.com", sets)
        return Dictionary(
            uniqueKeysWithValues: names.map { name in
                let isCut = cuts.contains { $0 == name || name.hasSuffix("." + $0) }
                guard !isCut else { return (name, .init([], isThere: false)) }
                switch zone.answer(name) {
                case .noSuchName: return (name, .init([], isThere: false))
                case .empty: return (name, .init([], isThere: true))
                case .sets(let sets):
                    let found = sets.filter { RecordSet.addressTypes.contains($0.type) }
                    return (name, .init(found.map { $0.renamed(name) }, isThere: true))
                }
            })
    }

    private func apply(_ difference: ZoneDifference, to sets: [RecordSet]) -> Set<RecordSet> {
        var zone = AppliedZone(sets)
        for change in difference.batches(within: UpdateMessages.limit, size: { _ in .init() }) {
            for each in change { zone.apply(each) }
        }
        return Set(zone.all.map { $0.renamed($0.name) })
    }

    /// What makes of what a server has what the registry has, when all is compared.
    private func whole(
        _ story: ZoneStory, _ names: [String: LocationName], _ had: [RecordSet]
    ) throws -> [RecordSet] {
        let picture = try story.whole(names)
        func compare(_ registered: Set<String>) -> ZoneDifference {
            ZoneDifference(
                zone: "kintone.com", picture: picture.sets.filter { !$0.isOperators },
                base: picture.sets.filter(\.isOperators), served: had.map { ServedSet($0) },
                targets: KnownTargets(story.rules.targets.values), comparesBase: true,
                registered: registered)
        }
        let leftOut = picture.leftOut.map(\.name)
        let known = names.filter { $0.value == japan && !leftOut.contains($0.key) }.map(\.key)
        return Array(apply(compare(Set(compare([]).unanswered).intersection(known)), to: had))
    }

    /// What visitors are told of each name that is there, may be, or isn't.
    private func answers(of names: Set<String>, _ sets: [RecordSet]) -> [String: Set<RecordSet>] {
        let zone = ZoneAnswers(zone: "kintone.com", sets)
        return Dictionary(
            uniqueKeysWithValues: names.map { name in
                guard case .sets(let found) = zone.answer(name) else { return (name, []) }
                let leading = found.filter { RecordSet.addressTypes.contains($0.type) }
                return (name, Set(leading.map { $0.renamed(name) }))
            })
    }

    /// Names that are answered otherwise than they should be. What the registry doesn't know may go on being answered as the
    /// wildcard says.
    private func wrongAnswers(
        _ story: ZoneStory, of result: [RecordSet], as wanted: [RecordSet]
    ) -> [String] {
        let all = hosts(wanted + result)
        let (told, right) = (answers(of: all, result), answers(of: all, wanted))
        let wildcard = ZoneAnswers(zone: "kintone.com", wanted).wildcard(below: "kintone.com")
            .filter { RecordSet.addressTypes.contains($0.type) }
        return all.filter { name in
            told[name] != right[name]
                && (story.after[name] != nil
                    || told[name] != Set(wildcard.map { $0.renamed(name) }))
        }.sorted()
    }

    private func hosts(_ sets: [RecordSet]) -> Set<String> {
        let letters = ["a", "b", "c", "d", "z"]
        let names = letters.flatMap { one in
            [one]
                + letters.flatMap { two in ["\(two).\(one)"] + letters.map { "\($0).\(two).\(one)" }
                }
        }
        return Set(names.map { $0 + ".kintone.com" }).union(
            sets.map(\.name).filter { !ZoneName.isWildcard($0) })
    }

    /// A server that refuses what it would else pass over.
    private func isRefused(_ difference: ZoneDifference, _ had: [RecordSet]) -> Bool {
        difference.changes.contains { change in
            let absent = UpdateMessages.absentTypes(change)
            return had.contains { $0.name == change.name && absent.contains($0.type) }
        }
    }

    /// - Parameter foreign: records of the operator's that the base doesn't have.
    private func check(
        _ story: inout ZoneStory, foreign: [RecordSet], _ random: inout SeededRandom
    ) throws {
        let held = Set(try story.whole(story.before).sets.filter { $0.type == "CNAME" }.map(\.name))
        let first = try story.whole(story.before).sets
        let taken = Set(
            foreign.filter { RecordSet.addressTypes.contains($0.type) }.map(\.name))
        let hidden = foreign.filter {
            !held.contains($0.name) || RecordSet.addressTypes.contains($0.type)
        }
        var had = try whole(
            story, story.before, first.filter { !taken.contains($0.name) } + hidden)
        for _ in 0..<4 {
            let wanted = try whole(story, story.after, had)
            let part = try story.ofPart()
            let asked = AskedZonePart(
                zone: "kintone.com", picture: part.picture.sets.filter { !$0.isOperators },
                base: part.picture.sets.filter(\.isOperators), absent: part.absent)
            #expect(Set(asked.names).count == asked.names.count)
            let found = Result { () throws(AskedZonePart.NeedsWhole) in
                try asked.difference(
                    answers(asked.names, had, story.rules.base.cuts),
                    targets: KnownTargets(story.rules.targets.values))
            }
            switch found {
            case .success(let difference) where !isRefused(difference, had):
                let result = Array(apply(difference, to: had))
                let wrong = wrongAnswers(story, of: result, as: wanted)
                #expect(wrong == [], "\(story.before) \(story.after) \(had) \(result)")
                // Nothing of the operator's is lost, and comparing all takes out what's said twice.
                #expect(hidden.allSatisfy { set in result.contains { $0.holds(set) } })
                let tidied = try whole(story, story.after, result)
                if foreign.isEmpty {
                    #expect(Set(tidied) == Set(wanted))
                } else {
                    #expect(wrongAnswers(story, of: tidied, as: wanted) == [])
                }
                had = result
            case let other:
                // Nobody is asked to compare all because of the registry's own addresses.
                let copies = story.rules.base.sets.contains { name, sets in
                    ZoneName.isWildcard(name)
                        && sets.contains { !RecordSet.addressTypes.contains($0.type) }
                }
                #expect(!foreign.isEmpty || copies, "\(other)")
                had = wanted
            }
            story.goOn(&random)
        }
    }

    @Test(arguments: 0..<200) func `answers as after the whole comparison`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var story = try ZoneStory(&random, copies: true)
        try check(&story, foreign: [], &random)
    }

    /// Records that the base doesn't have: a challenge, an address, something else at, below or far below a name.
    @Test(arguments: 0..<600)
    func `leaves no name without an answer because of what isn't the registry's`(
        seed: Int
    ) throws {
        var random = SeededRandom(seed: UInt64(seed) + 7000)
        var story = try ZoneStory(&random, copies: true)
        let held = Set(story.rules.base.sets.keys)
        var foreign: [RecordSet] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let name = SamplePicture.randomName(&random)
            let isAddress = Int.random(in: 0..<4, using: &random) == 0
            let owner = ["", "_acme-challenge.", "_dmarc.", "x._tcp."].randomElement(
                using: &random)!
            let set = RecordSet(
                name: isAddress ? name : owner + name, type: isAddress ? "A" : "TXT", ttl: 60,
                data: .values([isAddress ? "203.0.113.77" : "\"mine\""]))
            guard !held.contains(set.name), !foreign.contains(where: { $0.name == set.name }),
                !story.rules.base.cuts.contains(where: { set.name.hasSuffix($0) })
            else { continue }
            foreign.append(set)
        }
        try check(&story, foreign: foreign, &random)
    }
}

extension RecordSet {
    fileprivate func holds(_ other: RecordSet) -> Bool {
        name == other.name && type == other.type && Set(other.values).isSubset(of: values)
    }
}
