import RegistryModel
import Testing

@testable import RegistryDNS

@Suite("Route 53's batches") struct Route53BatchesTests {
    private func set(_ name: String, _ type: String, _ values: String..., ttl: UInt32 = 60)
        -> RecordSet
    {
        RecordSet(name: name + ".kintone.com", type: type, ttl: ttl, data: .values(values))
    }

    private func alias(_ name: String, _ number: Int) throws -> RecordSet {
        let alias = Route53Alias(
            hostedZoneID: "Z1", name: try FQDN("lb-\(number).elb.amazonaws.com"))
        return RecordSet(
            name: name + ".kintone.com", type: "A", ttl: 60, data: .alias(try #require(alias)))
    }

    @Test(arguments: [
        ("\\052.kintone.com.", "*.kintone.com"), ("Acme.Kintone.com.", "acme.kintone.com"),
        ("a\\056b.kintone.com.", "a\\046b.kintone.com"), ("_x-1.kintone.com", "_x-1.kintone.com"),
        ("\\101cme.kintone.com.", "acme.kintone.com"), ("\\344.kintone.com.", "\\228.kintone.com"),
    ])
    func `read names as Route 53 writes them`(written: String, name: String) {
        #expect(Route53Names.read(written) == name)
        let again = Route53Names.written(name)
        #expect(Route53Names.read(again) == name)
        #expect(again.hasSuffix("."))
    }

    @Test func `delete a CNAME before its addresses come, in one batch`() {
        let change = NameChange(
            name: "acme.kintone.com",
            before: [ServedSet(set("acme", "CNAME", "edge.example.net."))],
            after: [set("acme", "A", "192.0.2.1"), set("acme", "AAAA", "2001:db8::1")])
        let changes = Route53Batches.changes(of: change)
        #expect(changes.map(\.action) == [.delete, .create, .create])
        #expect(changes.map(\.set.type) == ["CNAME", "A", "AAAA"])
    }

    @Test func `overwrite what was compared, and create what wasn't there`() throws {
        let change = NameChange(
            name: "acme.kintone.com",
            before: [
                ServedSet(set("acme", "A", "192.0.2.1")),
                ServedSet(
                    set("acme", "AAAA", "2001:db8::1"), written: ["2001:DB8:0:0:0:0:0:1"]),
            ], after: [set("acme", "A", "192.0.2.2")])
        let changes = Route53Batches.changes(of: change)
        #expect(changes.map(\.action) == [.delete, .upsert])
        #expect(changes[0].values == ["2001:DB8:0:0:0:0:0:1"])
        let pointer = NameChange(
            name: "acme.kintone.com", before: [ServedSet(try alias("acme", 1))],
            after: [set("acme", "A", "192.0.2.2")])
        #expect(Route53Batches.changes(of: pointer).map(\.action) == [.delete, .create])
        let other = NameChange(
            name: "acme.kintone.com",
            before: [ServedSet(try alias("acme", 1), evaluatesHealth: true)],
            after: [try alias("acme", 2)])
        #expect(Route53Batches.changes(of: other).map(\.action) == [.upsert])
        let size = Route53Batches.size(of: other)
        #expect(size.records == 2 && size.text == 2 * "lb-2.elb.amazonaws.com".utf8.count)
    }

    @Test func `stay within the quotas, with a unit in one batch`() {
        var (old, new) = (SamplePicture(byDefault: SamplePicture.addresses(1)), [RecordSet]())
        for number in 0..<2000 {
            old.exceptions["t\(number).kintone.com"] = SamplePicture.addresses(2)
        }
        var moved = old
        for number in 0..<2000 {
            moved.exceptions["t\(number).kintone.com"] = SamplePicture.name(number)
        }
        new = moved.sets
        let targets =
            [SamplePicture.addresses(1), SamplePicture.addresses(2)]
            + (0..<2000).map(SamplePicture.name)
        for (from, to) in [
            ([], old.sets), (old.sets, new),
            (new, SamplePicture(byDefault: SamplePicture.addresses(1)).sets),
        ] {
            let batches = Route53Batches.batches(of: ZoneDifference(to, served: from, targets))
            #expect(batches.count > 4)
            var places: [String: Int] = [:]
            for (number, batch) in batches.enumerated() {
                let twice = batch.map { change in
                    (change.action == .upsert ? 2 : 1) * change.values.count
                }
                #expect(twice.reduce(0, +) <= 1000)
                let text = batch.reduce(0) { sum, change in
                    let count = change.values.reduce(0) { $0 + $1.count }
                    return sum + (change.action == .upsert ? 2 : 1) * count
                }
                #expect(text <= 32_000)
                for change in batch {
                    let unit =
                        change.set.name.hasPrefix("*.t")
                        ? String(change.set.name.dropFirst(2)) : change.set.name
                    #expect(places[unit, default: number] == number, "\(unit)")
                    places[unit] = number
                }
            }
        }
    }
}
