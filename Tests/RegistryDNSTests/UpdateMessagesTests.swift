import RegistryModel
import Testing

@testable import RegistryDNS

@Suite("Update messages") struct UpdateMessagesTests {
    private static let (japan, us) = (SamplePicture.addresses(10), SamplePicture.addresses(20))

    @Test func `delete and add what moves, both families`() {
        let old = SamplePicture(byDefault: Self.japan, exceptions: ["acme.kintone.com": Self.us])
        let new = SamplePicture(
            byDefault: Self.japan,
            exceptions: ["acme.kintone.com": SamplePicture.addresses(30, hasIPv6: false)])
        let difference = ZoneDifference(
            new.sets, served: old.sets, [Self.japan, Self.us])
        #expect(
            UpdateMessages.messages(of: difference) == [
                """
                zone kintone.com.
                update delete acme.kintone.com. A
                update delete acme.kintone.com. AAAA
                update add acme.kintone.com. 60 A 192.0.2.30
                send

                """
            ])
        #expect(UpdateMessages.messages(of: ZoneDifference(old.sets, served: old.sets, [])) == [])
    }

    /// The file that was compared may lack what the server has.
    @Test func `delete also what seems to be new before it's added`() {
        let change = ZoneDifference(
            [RecordSet(name: "a.kintone.com", type: "A", ttl: 60, data: .values(["192.0.2.20"]))],
            served: [], [Self.us])
        #expect(
            UpdateMessages.messages(of: change) == [
                """
                zone kintone.com.
                update delete a.kintone.com. A
                update add a.kintone.com. 60 A 192.0.2.20
                send

                """
            ])
    }

    /// What a server passes over without a word when nobody has looked, it refuses.
    @Test func `are refused where a CNAME would stand beside what nobody has looked for`() {
        let picture = SamplePicture(
            byDefault: Self.japan, exceptions: ["acme.kintone.com": SamplePicture.name(1)])
        let served = SamplePicture(
            byDefault: Self.japan, exceptions: ["acme.kintone.com": Self.us])
        func difference(_ uncertain: Set<String>?) -> ZoneDifference {
            ZoneDifference(
                zone: "kintone.com", picture: picture.sets, base: [],
                served: served.sets.map { ServedSet($0) },
                targets: KnownTargets([Self.japan, Self.us]), comparesBase: true,
                uncertain: uncertain)
        }
        let message = UpdateMessages.messages(of: difference([]))
        #expect(message.count == 1)
        let lines = message.joined().split(separator: "\n")
        #expect(
            lines.filter { $0.hasPrefix("prereq ") }
                == UpdateMessages.typesBesideCNAME.map { "prereq nxrrset acme.kintone.com. \($0)" })
        #expect(
            lines.firstIndex { $0.hasPrefix("update ") } == 1
                + UpdateMessages.typesBesideCNAME.count)
        #expect(!UpdateMessages.messages(of: difference(nil)).joined().contains("prereq"))
    }

    @Test func `never change a TTL alone`() {
        let picture = SamplePicture(byDefault: SamplePicture.addresses(10, hasIPv6: false))
        var served = picture.sets
        served[0].ttl = 300
        let text = UpdateMessages.messages(
            of: ZoneDifference(picture.sets, served: served, [Self.japan]))
        #expect(text.count == 1)
        #expect(
            text[0].contains(
                "update delete *.kintone.com. A\nupdate add *.kintone.com. 60 A 192.0.2.10\n"))
    }

    /// What comes to a set of the operator's would be mixed with it.
    @Test func `are refused where something would be mixed that nobody has looked for`() {
        func mail(_ name: String) -> RecordSet {
            RecordSet(name: name, type: "MX", ttl: 60, data: .values(["10 mail.example."]))
        }
        let base = [mail("*.kintone.com")]
        let difference = ZoneDifference(
            zone: "kintone.com", picture: [mail("new.kintone.com")], base: base,
            served: base.map { ServedSet($0) }, targets: KnownTargets([]), comparesBase: true,
            uncertain: ["new.kintone.com"])
        #expect(
            UpdateMessages.messages(of: difference) == [
                """
                zone kintone.com.
                prereq nxrrset new.kintone.com. MX
                update add new.kintone.com. 60 MX 10 mail.example.
                send

                """
            ])
    }

    /// Until all of it is there, what isn't there yet is answered as before.
    @Test func `write what no message holds from the top down, where nobody knows what is there`()
        throws
    {
        let addresses = SamplePicture.addresses(10)
        let names = ["big", "*.big"] + (0..<1500).flatMap { ["a\($0).big", "*.a\($0).big"] }
        let picture = names.flatMap { addresses.recordSets(of: $0 + ".kintone.com", ttl: 60) }
        let wildcard = addresses.recordSets(of: "*.kintone.com", ttl: 60)
        let difference = ZoneDifference(
            zone: "kintone.com", picture: picture + wildcard, base: [],
            served: (picture + wildcard).map { ServedSet($0) }, targets: KnownTargets([addresses]),
            comparesBase: true, uncertain: Set(picture.map(\.name)))
        let messages = UpdateMessages.messages(of: difference)
        #expect(messages.count > 1)
        for name in ["big", "*.big"] {
            #expect(messages[0].contains("update add \(name).kintone.com. 60 A "))
        }
        for (number, message) in messages.enumerated() {
            for each in 0..<1500
            where message.contains("update add a\(each).big.kintone.com. 60 A ") {
                #expect(
                    message.contains("update add *.a\(each).big.kintone.com. 60 A "), "\(number)")
            }
        }
    }

    @Test func `change the zone's name servers without ever deleting them all`() {
        func servers(_ names: String...) -> RecordSet {
            RecordSet(name: "kintone.com", type: "NS", ttl: 60, data: .values(names))
        }
        let difference = ZoneDifference(
            zone: "kintone.com", picture: [], base: [servers("a.example.", "b.example.")],
            served: [ServedSet(servers("b.example.", "c.example."))], targets: KnownTargets([]),
            comparesBase: true)
        #expect(
            UpdateMessages.messages(of: difference) == [
                """
                zone kintone.com.
                update add kintone.com. 60 NS a.example.
                update add kintone.com. 60 NS b.example.
                update delete kintone.com. NS c.example.
                send

                """
            ])
    }

    @Test func `hold no more than a message can`() {
        let label = String(repeating: "x", count: 50)
        var picture = SamplePicture(byDefault: Self.japan)
        for number in 0..<3000 {
            picture.exceptions["\(label)-\(number).kintone.com"] = Self.us
        }
        let difference = ZoneDifference(picture.sets, served: [], [Self.japan, Self.us])
        let batches = difference.batches(within: UpdateMessages.limit) {
            UpdateMessages.size(of: $0, "kintone.com")
        }
        for batch in batches {
            // Each record as long as it can be, without any pointer but that to the zone.
            let bytes = batch.reduce(0) { sum, change in
                sum
                    + change.after.reduce(0) { sum, set in
                        // A length before the label, a pointer after it, type, class, TTL and length.
                        let name = change.name.utf8.count - "kintone.com".utf8.count + 2
                        return sum + name + 10 + (set.type == "A" ? 4 : 16)
                    }
            }
            #expect(bytes < 65_000 && batch.count <= 1000)
        }
        #expect(batches.flatMap(\.self).count == 6001)
    }
}
