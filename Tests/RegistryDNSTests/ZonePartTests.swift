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
    let before: [String: LocationName]
    let after: [String: LocationName]
    let changed: [FQDN]
    let part: ZonePart

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
        before = names
        names["elsewhere.example.net"] = aws
        var changed = ["elsewhere.example.net"]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let known = names.keys.filter { $0.hasSuffix("kintone.com") }.sorted()
            let name =
                Bool.random(using: &random)
                ? known.randomElement(using: &random) ?? "a.kintone.com"
                : SamplePicture.randomName(&random)
            changed.append(name)
            names[name] = [japan, aws, nil].randomElement(using: &random)!
        }
        after = names
        self.changed = changed.map { FQDN(canonical: $0) }
        part = ZonePart(zone: zone, changed: self.changed)
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

    /// - Parameter foreign: records of the operator's that the base doesn't have.
    private func check(_ story: ZoneStory, foreign: [RecordSet]) throws {
        let (old, new) = try (story.whole(story.before), story.whole(story.after))
        let taken = Set(foreign.map(\.name))
        let had = old.sets.filter { !taken.contains($0.name) } + foreign
        let targets = KnownTargets(story.rules.targets.values)
        func whole(_ registered: Set<String>) -> ZoneDifference {
            ZoneDifference(
                zone: "kintone.com", picture: new.sets.filter { !$0.isOperators },
                base: new.sets.filter(\.isOperators), served: had.map { ServedSet($0) },
                targets: targets, comparesBase: true, registered: registered)
        }
        let known = story.after.filter { $0.value == japan }.map(\.key)
        let wanted = apply(whole(Set(whole([]).unanswered).intersection(known)), to: had)
        let part = try story.ofPart()
        do throws(AskedZonePart.NeedsWhole) {
            let asked = AskedZonePart(
                zone: "kintone.com", picture: part.picture.sets.filter { !$0.isOperators },
                base: part.picture.sets.filter(\.isOperators), absent: part.absent)
            #expect(Set(asked.names).count == asked.names.count)
            let difference = try asked.difference(
                answers(asked.names, had, story.rules.base.cuts), targets: targets)
            // Elsewhere the whole comparison may find what nobody has changed.
            #expect(
                apply(difference, to: had).filter { story.part.holds($0.name) }
                    == wanted.filter { story.part.holds($0.name) })
        } catch {
            // Nobody is asked to compare all because of the registry's own records.
            #expect(!foreign.isEmpty, "\(error)")
        }
    }

    @Test(arguments: 0..<300) func `becomes what the whole comparison makes of it`(
        seed: Int
    ) throws {
        var random = SeededRandom(seed: UInt64(seed))
        try check(try ZoneStory(&random, copies: true), foreign: [])
    }

    /// Records that the base doesn't have: a challenge, an address, or something beside a name's own.
    @Test(arguments: 0..<300) func `leaves what isn't the registry's as the whole comparison does`(
        seed: Int
    ) throws {
        var random = SeededRandom(seed: UInt64(seed) + 7000)
        let story = try ZoneStory(&random, copies: true)
        let held = Set(story.rules.base.sets.keys)
        var foreign: [RecordSet] = []
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let name = SamplePicture.randomName(&random)
            let isAddress = Bool.random(using: &random)
            let set = RecordSet(
                name: isAddress ? name : "_acme-challenge." + name, type: isAddress ? "A" : "TXT",
                ttl: 60, data: .values([isAddress ? "203.0.113.77" : "\"x\""]))
            guard !held.contains(set.name), !foreign.contains(where: { $0.name == set.name }),
                !story.rules.base.cuts.contains(where: { set.name.hasSuffix($0) }),
                // What keeps a name in the tree from further below can't be asked for.
                story.part.nodes.contains(name)
                    || !story.part.nodes.contains(where: { name.hasSuffix("." + $0) })
            else { continue }
            foreign.append(set)
        }
        try check(story, foreign: foreign)
    }
}
