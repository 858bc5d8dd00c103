import RegistryModel
import Testing

@testable import RegistryDNS

@Suite("The operator's master file") struct MasterFileTests {
    private static let zone = FQDN(canonical: "kintone.com")
    private static let head = """
        $TTL 300
        @ IN SOA ns1 hostmaster 7 3600 600 1209600 60
        @ IN NS ns1
        ns1 IN A 192.0.2.53

        """

    private static func read(_ text: String, hasHead: Bool = true) throws -> BaseZone {
        try BaseZone(masterFile: Array(((hasHead ? head : "") + text).utf8), zone: zone)
    }

    private static func fault(_ text: String, hasHead: Bool = true) -> String? {
        do {
            _ = try read(text, hasHead: hasHead)
            return nil
        } catch {
            let malformed = error as? BaseZone.Malformed
            return malformed.map { "\($0.line): \($0.explanation)" }
        }
    }

    @Test func `has names in lower case, in values of every type`() throws {
        let base = try Self.read(
            """
            @ IN NS NS2.Example.NET.
            WWW IN CNAME Target.Example.NET.
            a IN MX 10 Mail
            b IN SRV 1 2 80 Host.Example.NET.
            c IN TXT "As It Is"
            d IN AAAA 2001:DB8:0:0::1
            """)
        #expect(
            base.sets["kintone.com"]?.first?.values == ["ns1.kintone.com.", "ns2.example.net."])
        #expect(base.sets["www.kintone.com"]?.first?.values == ["target.example.net."])
        #expect(base.sets["a.kintone.com"]?.first?.values == ["10 mail.kintone.com."])
        #expect(base.sets["b.kintone.com"]?.first?.values == ["1 2 80 host.example.net."])
        #expect(base.sets["c.kintone.com"]?.first?.values == ["\"As It Is\""])
        #expect(base.sets["d.kintone.com"]?.first?.values == ["2001:db8::1"])
    }

    @Test func `has nothing of what a signer made, and no comments`() throws {
        let base = try Self.read(
            """
            x 60 IN RRSIG A 8 3 60 20301231000000 20201231000000 1 kintone.com. AAAA
            x 300 IN RRSIG TXT 8 3 300 20301231000000 20201231000000 1 kintone.com. AAAA
            @ IN DNSKEY 257 3 8 AwEAAaXm
            @ IN CDS 1 8 2 00
            @ 600 IN ZONEMD 7 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f101112131415161718191a1b1c1d1e1f
            y IN DS 2371 8 2 1F987CC6583E92DF0890718C42A5B7D7C0C7A6AE0A4A6E0A3C3B1B7F5F3B2F9E
            """)
        #expect(base.sets["x.kintone.com"] == nil)
        #expect(base.sets["kintone.com"]?.map(\.type) == ["NS"])
        let values = base.sets.values.joined().flatMap(\.values)
        #expect(!values.contains { $0.contains(";") }, "\(values)")
    }

    @Test(
        arguments: [
            ("hello world\n", "5: there's no"), ("x 60 IN Aa\n", "5: there's no"),
            ("x IN TYPE0 \\# 0\n", "5: there's no"),
            ("x IN TYPE41 \\# 0\n", "5: there's no such type of record in a zone"),
            ("x IN TYPE255 \\# 0\n", "5: there's no such type of record in a zone"),
            ("x IN TXT \"abc\n", "5: a quote isn't closed on its line"),
            ("x IN TXT ( \"abc\"\n\n", "5: a parenthesis isn't closed"),
            ("x IN TXT \"abc\" )\n", "5: a parenthesis isn't opened"),
            ("x 99999999999 IN A 192.0.2.1\n", "5: a TTL is 2147483647 seconds at most"),
            ("x IN 4294967295 A 192.0.2.1\n", "5: a TTL is 2147483647 seconds at most"),
            ("$TTL 99999w\n", "5: a TTL is 2147483647 seconds at most"),
            (
                "x IN DNAME a.example.\nx IN DNAME b.example.\n",
                "6: x.kintone.com has more than one DNAME"
            ),
            (
                "x IN DNAME a.example.\ny.z.x IN TXT a\n",
                "0: y.z.x.kintone.com lies below the DNAME of x.kintone.com"
            ),
            (
                "@ IN DNAME a.example.\n",
                "0: a DNAME at kintone.com itself leaves no name below it to be a tenant's"
            ),
            ("* IN NS ns.example.\n", "0: a wildcard can't have name servers: *.kintone.com"),
            ("*.d IN DNAME ns.example.\n", "0: a wildcard can't have a DNAME: *.d.kintone.com"),
            (
                "@ IN NS ns3\n",
                "0: kintone.com has the name server ns3.kintone.com, which has no address here"
            ),
            (
                "sub IN NS ns.sub\n",
                "0: sub.kintone.com has the name server ns.sub.kintone.com, which has no address here"
            ),
        ])
    func `is refused where it would end the zone`(text: String, fault: String) {
        let found = Self.fault(text)
        #expect(found?.hasPrefix(fault) == true, "\(found ?? "it isn't")")
    }

    @Test func `may lead into a part that others serve`() throws {
        #expect(
            Self.fault("sub IN NS ns.example.\nsub IN NS ns.other\nother IN NS x.example.\n") == nil
        )
        let base = try Self.read("aws IN NS ns.example.\n")
        let (japan, aws) = (LocationName(canonical: "japan"), LocationName(canonical: "aws"))
        let ipv4 = [IPv4Address("192.0.2.1")].compactMap(\.self)
        let targets = [
            japan: try #require(DNSTargets.addresses(sorting: ipv4, [])),
            aws: .cname(FQDN(canonical: "lb.aws.kintone.com")),
        ]
        _ = try ZoneRules(
            zone: Self.zone, defaultLocation: japan, ttl: 60, targets: targets, base: base)
    }

    @Test func `has relative origins`() throws {
        let base = try Self.read(
            "$ORIGIN sub\nx IN A 192.0.2.1\n$ORIGIN deep\ny IN A 192.0.2.2\n$origin kintone.com.\nz IN A 192.0.2.3\n"
        )
        #expect(
            Set(base.sets.keys).isSuperset(of: [
                "x.sub.kintone.com", "y.deep.sub.kintone.com", "z.kintone.com",
            ]))
    }

    @Test func `is refused where its serial leaves too few, or nobody serves it`() {
        let many = Self.head.replacing(" 7 ", with: " 4294967294 ")
        #expect(Self.fault(many, hasHead: false)?.contains("serial") == true)
        let none = Self.head.replacing("@ IN NS ns1\n", with: "")
        #expect(
            Self.fault(none, hasHead: false) == "0: kintone.com has an SOA, and no name servers")
    }

    @Test func `is read in a time that goes with its size, and its sets have a limit`() throws {
        let many = (0..<20_000).map { "x IN TXT \"\($0)\"\n" }.joined()
        #expect(Self.fault(many)?.contains("more than an answer can hold") == true)
        let wide = (0..<4_000).map { "x\($0 % 4) IN A 10.0.\($0 / 250).\($0 % 250)\n" }.joined()
        #expect(try Self.read(wide).sets.values.joined().flatMap(\.values).count == 4_000 + 2)
        let deep = (0..<1_100).map { number in
            String(repeating: "a.", count: 100) + "x\(number) IN A 192.0.2.1\n"
        }
        #expect(Self.fault(deep.joined())?.contains("names above them") == true)
    }
}
