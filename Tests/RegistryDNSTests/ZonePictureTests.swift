import RegistryModel
import TestRandom
import Testing

@testable import RegistryDNS

private let japan = LocationName(canonical: "japan")
private let aws = LocationName(canonical: "aws")
private let zone = FQDN(canonical: "kintone.com")

private func addresses(_ ipv4: String..., ipv6: String...) -> DNSTargets {
    DNSTargets.addresses(
        sorting: ipv4.compactMap { IPv4Address($0) }, ipv6.compactMap { IPv6Address($0) })!
}

private let targets = [
    japan: addresses("192.0.2.10", ipv6: "2001:db8::10"), aws: addresses("198.51.100.7"),
]

private func base(_ text: String) throws -> BaseZone {
    try BaseZone(masterFile: Array(text.utf8), zone: zone)
}

private func rules(
    _ base: BaseZone = .empty, _ targets: [LocationName: DNSTargets] = targets,
    maximumBytes: Int = FQDN.maximumBytes
) throws -> ZoneRules {
    try ZoneRules(
        zone: zone, defaultLocation: japan, ttl: 60, targets: targets, base: base,
        maximumBytes: maximumBytes)
}

private func picture(
    _ rules: ZoneRules, _ names: [String: LocationName]
) throws -> ZonePicture {
    try ZonePicture(rules) { show in
        for (name, location) in names { show(Substring(name), location) }
    }
}

private func lines(_ picture: ZonePicture) -> [String] {
    picture.sets.flatMap { set in set.values.map { "\(set.name) \(set.type) \($0)" } }
}

@Suite("The zone's picture of the registry") struct ZonePictureTests {
    @Test func `is one wildcard where everybody lives in the default location`() throws {
        let picture = try picture(
            rules(), ["acme.kintone.com": japan, "b.kintone.com": japan])
        #expect(
            lines(picture) == [
                "*.kintone.com A 192.0.2.10", "*.kintone.com AAAA 2001:db8::10",
            ])
    }

    @Test func `has an exception, and the wildcard again below it`() throws {
        let picture = try picture(rules(), ["acme.kintone.com": aws])
        #expect(
            lines(picture) == [
                "*.kintone.com A 192.0.2.10", "*.kintone.com AAAA 2001:db8::10",
                "acme.kintone.com A 198.51.100.7",
                "*.acme.kintone.com A 192.0.2.10", "*.acme.kintone.com AAAA 2001:db8::10",
            ])
    }

    @Test func `keeps what lies above and beside a name of several labels`() throws {
        for location in [japan, aws] {
            let picture = try picture(rules(), ["a.b.kintone.com": location])
            let served = ServedZone("kintone.com", picture.sets)
            #expect(served.answer("b.kintone.com", "A") == ["192.0.2.10"])
            #expect(served.answer("c.b.kintone.com", "AAAA") == ["2001:db8::10"])
            #expect(served.answer("x.a.b.kintone.com", "A") == ["192.0.2.10"])
            let own = location == aws ? "198.51.100.7" : "192.0.2.10"
            #expect(served.answer("a.b.kintone.com", "A") == [own])
        }
    }

    @Test func `gives a name its own records where the operator's take the wildcard from it`()
        throws
    {
        let base = try base("_acme-challenge.acme IN TXT \"x\"\nb IN TXT y\n")
        let picture = try picture(
            rules(base), ["acme.kintone.com": japan, "b.kintone.com": aws])
        let served = ServedZone("kintone.com", picture.sets)
        #expect(served.answer("acme.kintone.com", "A") == ["192.0.2.10"])
        #expect(served.answer("b.kintone.com", "A") == ["198.51.100.7"])
        #expect(served.answer("b.kintone.com", "AAAA") == [])
        #expect(served.answer("b.kintone.com", "TXT") == ["\"y\""])
        #expect(served.answer("_acme-challenge.acme.kintone.com", "TXT") == ["\"x\""])
        #expect(served.answer("_acme-challenge.acme.kintone.com", "A") == [])
    }

    @Test func `has the other records of the operator's wildcard wherever that doesn't reach`()
        throws
    {
        let base = try base("* IN MX 10 mail\nmail IN A 203.0.113.1\n")
        let picture = try picture(rules(base), ["acme.kintone.com": aws])
        let served = ServedZone("kintone.com", picture.sets)
        for name in ["acme.kintone.com", "y.acme.kintone.com", "other.kintone.com"] {
            #expect(served.answer(name, "MX") == ["10 mail.kintone.com."])
        }
    }

    @Test func `names what it leaves out`() throws {
        let base = try base(
            """
            @ 3600 IN SOA ns1 hostmaster 7 3600 600 86400 60
            @ IN NS ns1
            @ IN NS ns2
            ns1 IN A 203.0.113.1
            ns2 IN A 203.0.113.2
            www IN CNAME example.net.
            sub IN NS ns.example.net.
            txt IN TXT "held"
            """)
        var names: [String: LocationName] = [:]
        for name in ["ns1", "www", "x.sub", "txt", "fine"] { names["\(name).kintone.com"] = aws }
        names["acme.example.net"] = aws
        let long = String(repeating: "a.", count: 121) + "kintone.com"
        names[long] = aws
        let pointing = try rules(
            base, [japan: targets[japan]!, aws: .cname(FQDN(canonical: "lb.example.net"))])
        let picture = try picture(pointing, names)
        let refusals = Dictionary(
            uniqueKeysWithValues: picture.leftOut.map { ($0.name, $0.refusal) })
        #expect(
            refusals == [
                "ns1.kintone.com": .nameServer, "www.kintone.com": .held("CNAME"),
                "x.sub.kintone.com": .belowCut("sub.kintone.com"),
                "txt.kintone.com": .besideCNAME("TXT"), long: .tooLong(253),
            ])
        #expect(picture.namesOutside == 1)
        #expect(picture.firstOutside == ["acme.example.net"])
        let text = String(
            decoding: try ZoneText(pointing, picture).file(serial: 99), as: UTF8.self)
        #expect(
            text.contains(
                "\nkintone.com.\t3600\tIN\tSOA\tns1.kintone.com. hostmaster.kintone.com. 99 3600 600 86400 60\n"
            ))
        #expect(text.contains("; left out: ns1.kintone.com: it's the name of a name server"))
        #expect(text.contains("; outside of the zone: acme.example.net\n"))
        #expect(text.contains("\nfine.kintone.com.\t60\tIN\tCNAME\tlb.example.net.\n"))
        // What can't have a CNAME is led to a proxy all the same.
        #expect(
            lines(picture).filter { $0.contains("txt.kintone.com A ") } == [
                "txt.kintone.com A 192.0.2.10", "*.txt.kintone.com A 192.0.2.10",
            ])
    }

    @Test func `isn't there where nobody said how a location is reached, or the wildcard is held`()
        throws
    {
        let needed = try rules(.empty, [japan: targets[japan]!])
        #expect(throws: ZoneError.targetMissing(aws)) {
            try picture(needed, ["acme.kintone.com": aws])
        }
        #expect(throws: ZoneError.targetMissing(japan)) { try rules(.empty, [:]) }
        let held = try base("* IN A 203.0.113.1\n")
        #expect(throws: ZoneError.wildcardHeld("*.kintone.com")) { try rules(held) }
        let mail = try base("* IN MX 10 mail\n")
        let pointing: DNSTargets = .cname(FQDN(canonical: "lb.example.net"))
        #expect(throws: ZoneError.wildcardBesideCNAME("*.kintone.com", japan)) {
            try rules(mail, [japan: pointing])
        }
    }

    @Test func `refuses an alias in files, naming the location`() throws {
        let alias = Route53Alias(hostedZoneID: "Z1", name: FQDN(canonical: "lb.example.net"))!
        let pointing = try rules(.empty, [japan: targets[japan]!, aws: .alias(alias)])
        let picture = try picture(pointing, ["acme.kintone.com": aws])
        #expect(picture.sets.count == 6)
        #expect(throws: ZoneError.aliasInFile(aws)) { try ZoneText(pointing, picture) }
        #expect(throws: ZoneError.aliasInFile(aws)) { try OctoDNSText(pointing, picture) }
    }

    @Test func `is the same whatever the order of names`() throws {
        var random = SeededRandom(seed: 5)
        var names = (0..<200).map { _ in Self.randomName(&random) }
        let locations = names.map { $0.utf8.reduce(0, { $0 + Int($1) }) % 2 == 0 ? aws : japan }
        var pairs = Array(zip(names, locations))
        func file() throws -> [UInt8] {
            let rules = try rules()
            let picture = try ZonePicture(rules) { show in
                for (name, location) in pairs { show(Substring(name), location) }
            }
            return try ZoneText(rules, picture).file(serial: 1)
        }
        let first = try file()
        pairs.shuffle(using: &random)
        #expect(try file() == first)
        names = []
    }

    static func randomName(_ random: inout SeededRandom) -> String {
        let labels = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            ["a", "b", "c", "d"].randomElement(using: &random)!
        }
        return (labels + ["kintone.com"]).joined(separator: ".")
    }

    /// Whatever the registry and the operator have, each name that's known leads to its place, and no name that the
    /// wildcard answered is lost.
    @Test(arguments: 0..<400) func `leads each name to its place`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var names: [String: LocationName] = [:]
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            names[Self.randomName(&random)] = Bool.random(using: &random) ? aws : japan
        }
        var text = ""
        let records = [
            "_acme-challenge.%  IN TXT x", "% IN TXT x", "% IN A 203.0.113.9",
            "*.% IN A 203.0.113.8", "% IN NS ns.example.net.", "* IN MX 10 mail.example.net.",
            "% IN CNAME example.net.",
        ]
        var owners: Set<String> = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let name = Self.randomName(&random)
            let record = records.randomElement(using: &random)!
            guard owners.insert(name).inserted else { continue }
            text += record.replacing("%", with: name + ".") + "\n"
        }
        let base = try base(text)
        let rules = try rules(base)
        let picture = try picture(rules, names)
        let served = ServedZone("kintone.com", picture.sets)
        let baseline = ServedZone(
            "kintone.com",
            base.sets.values.flatMap(\.self)
                + targets[japan]!.recordSets(of: "*.kintone.com", ttl: 60))
        let refused = Set(picture.leftOut.map(\.name))

        let letters = ["a", "b", "c", "d", "z"]
        let queries = letters.flatMap { one in
            [one]
                + letters.flatMap { two in ["\(two).\(one)"] + letters.map { "\($0).\(two).\(one)" }
                }
        }
        for query in queries.map({ $0 + ".kintone.com" }) {
            for type in ["A", "AAAA", "MX"] {
                let has = served.answer(query, type) ?? []
                let had = baseline.answer(query, type) ?? []
                if let location = names[query], !refused.contains(query), type != "MX" {
                    let wanted = targets[location]!.recordSets(of: query, ttl: 60)
                        .first { $0.type == type }?.values
                    #expect(has == wanted ?? [], "\(query) \(type): \(text) \(names)")
                } else if !had.isEmpty {
                    #expect(has == had, "\(query) \(type): \(text) \(names)")
                }
            }
        }
        // Nothing contradicts another record.
        for (name, sets) in Dictionary(grouping: picture.sets, by: \.name) {
            let types = sets.map(\.type)
            #expect(Set(types).count == types.count, "\(name)")
            #expect(!types.contains("CNAME") || types.count == 1, "\(name)")
        }
    }
}
