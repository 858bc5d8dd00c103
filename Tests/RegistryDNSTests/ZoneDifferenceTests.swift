import RegistryDNS
import RegistryModel
import TestRandom
import Testing

@Suite("A zone's difference") struct ZoneDifferenceTests {
    private static let japan = SamplePicture.addresses(10)
    private static let us = SamplePicture.addresses(20)

    private func served(
        _ name: String, _ type: String, _ values: String..., ttl: UInt32 = 60,
        isOperators: Bool = false
    ) -> ServedSet {
        ServedSet(
            RecordSet(
                name: name + ".kintone.com", type: type, ttl: ttl, data: .values(values.sorted())),
            isOperators: isOperators)
    }

    private func difference(
        _ picture: SamplePicture, base: [RecordSet] = [], served: [ServedSet],
        former: [FormerTarget] = [], comparesBase: Bool = false, registered: Set<String> = []
    ) -> ZoneDifference {
        ZoneDifference(
            zone: "kintone.com", picture: picture.sets, base: base, served: served,
            targets: KnownTargets([Self.japan, Self.us], former: former),
            comparesBase: comparesBase, registered: registered)
    }

    @Test func `is nothing where nothing differs`() {
        let picture = SamplePicture(
            byDefault: Self.japan, exceptions: ["acme.kintone.com": Self.us])
        let same = difference(picture, served: picture.sets.map { ServedSet($0) })
        #expect(same.changes.isEmpty && same.left.isEmpty)
        #expect(same.resultingCount == 6)
        #expect(
            same.batches(within: BatchSize(names: 9, records: 9, text: 9)) { _ in .init() } == [])
    }

    @Test func `changes what has another value, another TTL or another family`() {
        let picture = SamplePicture(byDefault: Self.japan)
        let found = difference(
            picture,
            served: [
                served("*", "A", "192.0.2.10", ttl: 300), served("*", "AAAA", "2001:db8::10"),
                served("acme", "A", "192.0.2.20"), served("*.acme", "A", "192.0.2.10"),
            ])
        #expect(found.changes.map(\.name) == ["*.acme", "*", "acme"].map { $0 + ".kintone.com" })
        let wildcard = found.changes[1]
        #expect(wildcard.before.map(\.set.ttl) == [300] && wildcard.after.map(\.ttl) == [60])
        #expect(wildcard.after.map(\.type) == ["A"])
        #expect(found.changes[2].after == [])
    }

    @Test func `leaves the operator's records alone, and names what they keep`() {
        let picture = SamplePicture(
            byDefault: Self.japan,
            exceptions: [
                "acme.kintone.com": Self.us, "kept.kintone.com": Self.us,
                "weighted.kintone.com": Self.us,
            ])
        var sets = picture.sets.filter { !$0.name.hasSuffix("kept.kintone.com") }
            .filter { !$0.name.hasSuffix("weighted.kintone.com") }.map { ServedSet($0) }
        sets += [
            served("www", "A", "198.51.100.1"), served("mail", "MX", "10 mail.example.net."),
            served("kept", "A", "198.51.100.2"), served("kept", "TXT", "\"x\""),
            served("weighted", "A", "192.0.2.20", isOperators: true),
            // Half of it is a location's.
            served("mixed", "A", "192.0.2.20", "198.51.100.3"),
            served("gone", "A", "192.0.2.20", "192.0.2.10"),
            served("former", "A", "203.0.113.1"), served("formerly", "CNAME", "old.example.net."),
        ]
        let former = ["203.0.113.1", "OLD.example.net"].compactMap { FormerTarget($0) }
        let found = difference(picture, served: sets, former: former)
        let names = found.changes.map { $0.name.dropLast(".kintone.com".count) }
        #expect(
            names == ["*.kept", "*.weighted", "former", "formerly", "gone"], "\(names)")
        #expect(
            found.left == [
                LeftName(name: "kept.kintone.com", type: "A"),
                LeftName(name: "weighted.kintone.com", type: "A"),
            ])
        #expect(found.foreignCount == 6)
        #expect(found.changes.allSatisfy { $0.before.allSatisfy { $0.set.type != "TXT" } })
        let forgotten = difference(picture, served: sets)
        #expect(!forgotten.changes.contains { $0.name.hasPrefix("former") })
    }

    @Test func `never puts a CNAME beside anything`() {
        let edge = SamplePicture.name(1)
        let picture = SamplePicture(
            byDefault: Self.japan,
            exceptions: ["acme.kintone.com": edge, "text.kintone.com": edge])
        let found = ZoneDifference(
            zone: "kintone.com", picture: picture.sets, base: [],
            served: [
                served("acme", "A", "192.0.2.10"), served("text", "TXT", "\"x\""),
                served("text", "A", "192.0.2.10"),
            ], targets: KnownTargets([Self.japan, edge]), comparesBase: false)
        #expect(found.left == [])
        // It stays with the wildcard, which leads whoever comes to a proxy.
        #expect(found.besideCNAME == [LeftName(name: "text.kintone.com", type: "TXT")])
        let stays = found.changes.first { $0.name == "text.kintone.com" }
        #expect(stays?.before == [] && stays?.after.map(\.type) == ["AAAA"])
        let moved = found.changes.first { $0.name == "acme.kintone.com" }
        #expect(moved?.before.map(\.set.type) == ["A"] && moved?.after.map(\.type) == ["CNAME"])
    }

    @Test func `leaves a name as it is where only a CNAME could stand beside the operator's`() {
        let edge = SamplePicture.name(1)
        let picture = SamplePicture(
            byDefault: SamplePicture.name(2), exceptions: ["text.kintone.com": edge])
        let found = ZoneDifference(
            zone: "kintone.com", picture: picture.sets, base: [],
            served: [served("text", "TXT", "\"x\""), served("text", "A", "192.0.2.10")],
            targets: KnownTargets([Self.japan, edge]), comparesBase: false)
        #expect(found.left == [LeftName(name: "text.kintone.com", type: "TXT")])
        #expect(found.besideCNAME == [])
    }

    @Test func `never puts a wildcard's records in the place of the operator's own`() {
        let wildcard = RecordSet(
            name: "*.kintone.com", type: "TXT", ttl: 60, data: .values(["\"all\""]))
        var copy = wildcard
        copy.name = "acme.kintone.com"
        let picture = SamplePicture(
            byDefault: Self.japan, exceptions: ["acme.kintone.com": Self.us])
        let found = ZoneDifference(
            zone: "kintone.com", picture: picture.sets + [copy], base: [wildcard],
            served: picture.sets.map { ServedSet($0) } + [
                ServedSet(wildcard), served("acme", "TXT", "\"mine\""),
            ], targets: KnownTargets([Self.japan, Self.us]), comparesBase: true)
        #expect(found.changes == [] && found.foreignCount == 1)
    }

    @Test func `leaves what only has the same as a wildcard that isn't above it`() {
        func mail(_ name: String) -> RecordSet {
            RecordSet(
                name: name + ".kintone.com", type: "MX", ttl: 60,
                data: .values(["10 mail.example."]))
        }
        let picture = SamplePicture(byDefault: Self.japan)
        let found = ZoneDifference(
            zone: "kintone.com", picture: picture.sets, base: [mail("*.op")],
            served: (picture.sets + [mail("*.op"), mail("nobody"), mail("old.op")])
                .map { ServedSet($0) },
            targets: KnownTargets([Self.japan]), comparesBase: true)
        #expect(found.changes.map(\.name) == ["old.op.kintone.com"])
        #expect(found.foreignCount == 1)
    }

    @Test func `leaves what a name has that the picture can't say`() {
        let picture = SamplePicture(byDefault: SamplePicture.name(2))
        let text = RecordSet(
            name: "text.kintone.com", type: "TXT", ttl: 60, data: .values(["\"x\""]))
        func changes(_ leftOut: Set<String>) -> ZoneDifference {
            ZoneDifference(
                zone: "kintone.com", picture: picture.sets, base: [text],
                served: (picture.sets + [text]).map { ServedSet($0) } + [
                    served("text", "A", "192.0.2.10")
                ], targets: KnownTargets([Self.japan, SamplePicture.name(2)]),
                comparesBase: true, leftOut: leftOut)
        }
        #expect(changes([]).changes.count == 1)
        let found = changes(["text.kintone.com"])
        #expect(found.changes == [])
        #expect(found.left == [LeftName(name: "text.kintone.com", type: "TXT")])
    }

    @Test func `gives the wildcard's answer to what a challenge keeps in the tree`() {
        let picture = SamplePicture(byDefault: Self.us)
        let old = SamplePicture(byDefault: Self.us, exceptions: ["acme.kintone.com": Self.japan])
        let challenge = served("_acme-challenge.acme", "TXT", "\"x\"")
        let found = difference(picture, served: old.sets.map { ServedSet($0) } + [challenge])
        #expect(found.keptInTree == ["acme.kintone.com"])
        #expect(found.changes.map(\.name) == ["acme.kintone.com"])
        #expect(found.changes[0].after == Self.us.recordSets(of: "acme.kintone.com", ttl: 60))
        // Signatures are nobody's, and go by themselves.
        let signed = difference(
            picture, served: old.sets.map { ServedSet($0) } + [served("acme", "RRSIG", "A 13 …")])
        #expect(signed.keptInTree.isEmpty && signed.changes.count == 2)
    }

    @Test func `gives it also to a name that lives by default, where the registry knows it`() {
        let picture = SamplePicture(byDefault: Self.us)
        let sets =
            picture.sets.map { ServedSet($0) } + [
                served("_acme-challenge.bob", "TXT", "\"x\""), served("text", "TXT", "\"x\""),
                served("_acme-challenge.www", "TXT", "\"x\""), served("www", "A", "198.51.100.1"),
                served("cut", "NS", "ns.cut.kintone.com."), served("ns.cut", "A", "198.51.100.2"),
                served("*.op", "A", "198.51.100.3"), served("x._tcp", "A", "198.51.100.4"),
            ]
        let first = difference(picture, served: sets)
        #expect(first.changes.isEmpty && first.keptInTree.isEmpty)
        #expect(first.unanswered == ["bob", "op", "text"].map { $0 + ".kintone.com" })
        let found = difference(
            picture, served: sets, registered: ["bob.kintone.com", "text.kintone.com"])
        #expect(found.keptInTree == ["bob.kintone.com", "text.kintone.com"])
        let names = ["*.bob", "*.text", "bob", "text"].map { $0 + ".kintone.com" }
        #expect(found.changes.map(\.name) == names)
        for change in found.changes {
            #expect(change.after == Self.us.recordSets(of: change.name, ttl: 60))
        }
        // Once it has them, it keeps them.
        let again = difference(
            picture, served: sets + found.changes.flatMap(\.after).map { ServedSet($0) },
            registered: ["bob.kintone.com", "text.kintone.com"])
        #expect(again.changes.isEmpty && again.keptInTree.count == 2)
    }

    /// The picture has the operator's wildcard at names below it that registered names take it from.
    @Test(arguments: [true, false])
    func `takes what stands for a wildcard of the base's for the registry's`(comparesBase: Bool) {
        func set(_ name: String, _ address: String) -> RecordSet {
            RecordSet(name: name + ".kintone.com", type: "A", ttl: 60, data: .values([address]))
        }
        let (old, new) = ("203.0.113.5", "203.0.113.6")
        let copies = ["*.w1.op", "w3.op", "*.w3.op", "*.gone.op"]
        // What the operator has elsewhere is the operator's, whatever it leads to.
        let own = [set("www", old), set("held.op", old)]
        let base = [set("*.op", new), set("held.op", old)]
        let wanted = copies.dropLast().map { set($0, new) }
        let sets = [set("*.op", old)] + copies.map { set($0, old) } + own
        let found = ZoneDifference(
            zone: "kintone.com", picture: wanted, base: base, served: sets.map { ServedSet($0) },
            targets: KnownTargets([Self.japan]), comparesBase: comparesBase)
        let names = (comparesBase ? ["*.op"] : []) + copies
        #expect(found.changes.map(\.name) == names.map { $0 + ".kintone.com" }.sorted())
        #expect(found.left.isEmpty && found.foreignCount == 1)
        #expect(found.changes.first { $0.name == "*.gone.op.kintone.com" }?.after == [])
        // When the operator has changed the wildcard already, the old address has to be said.
        let changed = [set("*.op", new)] + copies.map { set($0, old) }
        for former in [[], [FormerTarget(old)!]] {
            let later = ZoneDifference(
                zone: "kintone.com", picture: wanted, base: base,
                served: changed.map { ServedSet($0) },
                targets: KnownTargets([Self.japan], former: former), comparesBase: false)
            #expect(later.left.count == (former.isEmpty ? 3 : 0))
            #expect(later.changes.count == (former.isEmpty ? 0 : 4))
        }
    }

    @Test func `writes the base's records where it is told to, and deletes none`() {
        let picture = SamplePicture(byDefault: Self.japan)
        func text(_ name: String, _ value: String) -> RecordSet {
            RecordSet(name: name + ".kintone.com", type: "TXT", ttl: 60, data: .values([value]))
        }
        let base = [text("new", "\"1\""), text("same", "\"1\""), text("other", "\"1\"")]
        let sets =
            picture.sets.map { ServedSet($0) } + [
                ServedSet(text("same", "\"1\"")), ServedSet(text("other", "\"2\"")),
                ServedSet(text("unknown", "\"3\"")),
            ]
        let found = difference(picture, base: base, served: sets, comparesBase: true)
        #expect(found.changes.map(\.name) == ["new", "other"].map { $0 + ".kintone.com" })
        #expect(found.foreignCount == 1 && found.resultingCount == 6)
        #expect(difference(picture, base: base, served: sets).changes.isEmpty)
    }

    /// Random trees that become other ones, with a wildcard that changes at the same time or not, in batches that hold
    /// whole units or only parts of them.
    @Test(arguments: 0..<150)
    func `is made in an order in which every name has its old or its new answer`(
        seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let targets = [
            Self.japan, Self.us, SamplePicture.addresses(30, hasIPv6: false), SamplePicture.name(1),
        ]
        func picture() -> SamplePicture {
            var picture = SamplePicture(byDefault: targets.randomElement(using: &random)!)
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                picture.exceptions[SamplePicture.randomName(&random)] = targets.randomElement(
                    using: &random)
            }
            return picture
        }
        let (old, new) = (picture().sets, picture().sets)
        let difference = ZoneDifference(new, served: old, targets)
        let limit = BatchSize(names: [2, 3, 7, 1000].randomElement(using: &random)!, records: 99)
        let batches = difference.batches(within: limit) { _ in BatchSize(names: 1) }
        let names = ["a", "b", "c", "x"].flatMap { one in
            ["", "a.", "b.", "x."].flatMap { two in
                ["", "a.", "c.", "x."].flatMap { three in
                    ["", "a.", "x."].map { $0 + three + two + one + ".kintone.com" }
                }
            }
        }
        let (before, after) = (
            ZoneAnswers(zone: "kintone.com", old), ZoneAnswers(zone: "kintone.com", new)
        )
        var zone = AppliedZone(old)
        for batch in batches {
            #expect(batch.count <= limit.names)
            #expect(Set(batch.map(\.name)).count == batch.count)
            for change in batch { zone.apply(change) }
            let now = ZoneAnswers(zone: "kintone.com", zone.all)
            for name in names {
                let answer = values(now.answer(name))
                let isEither =
                    answer == values(before.answer(name)) || answer == values(after.answer(name))
                #expect(isEither, "\(name): \(answer)")
            }
        }
        #expect(Set(zone.all) == Set(new))
    }

    /// What a visitor gets, wherever it stands in the zone.
    private func values(_ answer: ZoneAnswers.Answer) -> Set<RecordSet> {
        guard case .sets(let sets) = answer else { return [] }
        return Set(
            sets.map { RecordSet(name: "", type: $0.type, ttl: $0.ttl, data: $0.data) })
    }
}
