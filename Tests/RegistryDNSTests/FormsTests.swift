import RegistryAPI
import RegistryModel
import Testing
import Yams

@testable import RegistryDNS

private let zone = FQDN(canonical: "kintone.com")
private let japan = LocationName(canonical: "japan")

@Suite("The operator's part of a zone") struct BaseZoneTests {
    private func read(_ text: String) throws -> BaseZone {
        try BaseZone(masterFile: Array(text.utf8), zone: zone)
    }

    @Test func `is read with directives, continuations and relative names`() throws {
        let base = try read(
            """
            ; a comment
            $TTL 300
            @ IN SOA ns1 hostmaster (
                2024010101 ; serial
                1h 10m 2w 1m )
              IN NS ns1
            NS1 IN A 203.0.113.1
                IN AAAA 2001:db8::1
            $ORIGIN mail.kintone.com.
            @ 60 IN MX 10 mx
            mx IN A 203.0.113.2
            text IN TXT "a b" "c;d"
            """)
        #expect(
            base.authority
                == BaseZone.Authority(
                    primary: "ns1.kintone.com.", contact: "hostmaster.kintone.com.",
                    times: [3600, 600, 1_209_600, 60], ttl: 300, serial: 2_024_010_101))
        #expect(
            base.sets.keys.sorted() == [
                "kintone.com", "mail.kintone.com", "mx.mail.kintone.com", "ns1.kintone.com",
                "text.mail.kintone.com",
            ])
        #expect(base.sets["ns1.kintone.com"]?.map(\.type) == ["A", "AAAA"])
        #expect(base.sets["mail.kintone.com"]?[0].ttl == 60)
        #expect(base.sets["text.mail.kintone.com"]?[0].values == ["\"a b\" \"c;d\""])
    }

    @Test(arguments: [
        ("a IN A 203.0.113.1\nb IN A nonsense\n", 2),
        ("a.example.net. IN A 203.0.113.1\n", 1),
        ("$INCLUDE other.zone\n", 1),
        ("@ IN SOA a b 1 2 3 4 5\n@ IN SOA a b 1 2 3 4 5\n", 2),
        ("a IN CNAME b\na IN TXT c\n", 2),
        ("a IN CNAME b\na IN CNAME c\n", 2),
        ("a 60 IN A 203.0.113.1\na 61 IN A 203.0.113.2\n", 2),
        ("a CH TXT x\n", 1),
        ("a IN A 203.0.113.1\n\n\n b c d e f\n", 4),
    ])
    func `is refused with the line`(text: String, line: Int) throws {
        let error = #expect(throws: BaseZone.Malformed.self) { try read(text) }
        #expect(error?.line == line, "\(error?.explanation ?? "")")
        #expect(error?.explanation.isEmpty == false)
    }

    @Test func `may be nothing at all`() throws {
        #expect(try read("").sets.isEmpty)
        #expect(try read("; nothing\n\n").sets.isEmpty)
    }
}

@Suite("A line of the record export") struct RecordLineTests {
    /// A TTL has 32 bits on the wire, whatever sense the highest of them makes.
    @Test func `has any TTL that a record can have`() throws {
        let set = RecordSet(
            name: "a.kintone.com", type: "TXT", ttl: .max, data: .values(["\"x\""]),
            isOperators: true)
        let line =
            #"{"name":"a.kintone.com","type":"TXT","ttl":4294967295,"values":["\"x\""],"base":true}"#
        var object = JSONObjectReader(try JSONDocument(parsing: Array(line.utf8)))
        #expect(RecordSet(reading: &object) == set)
        #expect(object.problems.isEmpty)
    }
}

@Suite("octoDNS' form") struct OctoDNSTextTests {
    @Test func `has names in natural order, quoted, with the fields of each type`() throws {
        let base = try BaseZone(
            masterFile: Array(
                """
                @ IN SOA ns1 hostmaster 1 2 3 4 5
                @ IN NS ns1
                ns1 IN A 203.0.113.1
                mail IN MX 10 mx.example.net.
                text IN TXT "v=1; p" "q"
                caa IN CAA 0 issue "ca.example.net"
                _sip._tcp IN SRV 1 2 5060 sip.example.net.
                www IN CNAME example.net.
                """.utf8), zone: zone)
        let aws = LocationName(canonical: "aws")
        let rules = try ZoneRules(
            zone: zone, defaultLocation: japan, ttl: 60,
            targets: [
                japan: .addresses(sorting: [IPv4Address("192.0.2.10")!], [])!,
                aws: .addresses(
                    sorting: [IPv4Address("198.51.100.7")!], [IPv6Address("2001:db8::7")!])!,
            ], base: base, maximumBytes: OctoDNSText.maximumBytes)
        let picture = try ZonePicture(rules) { show in
            for name in ["a10", "a9", "no", "123"] { show("\(name).kintone.com", aws) }
        }
        let text = String(decoding: try OctoDNSText(rules, picture).file, as: UTF8.self)
        let node = try #require(try Yams.compose(yaml: text)?.mapping)
        let keys = Array(node.keys.compactMap(\.scalar?.string))
        #expect(
            keys == [
                "", "123", "*", "*.123", "*.a9", "*.a10", "*.no", "_sip._tcp", "a9", "a10", "caa",
                "mail", "no", "ns1", "text", "www",
            ])
        #expect(node["text"]?[0]?["values"]?[0]?.string == "v=1\\; pq")
        #expect(node["mail"]?[0]?["values"]?[0]?["exchange"]?.string == "mx.example.net.")
        #expect(node["caa"]?[0]?["values"]?[0]?["value"]?.string == "ca.example.net")
        #expect(node["_sip._tcp"]?[0]?["values"]?[0]?["port"]?.int == 5060)
        #expect(node["www"]?[0]?["value"]?.string == "example.net.")
        let no = node.first { $0.key.scalar?.string == "no" }?.value
        #expect(no?[1]?["type"]?.string == "AAAA")
        #expect(node["*"]?[0]?["ttl"]?.int == 60)
    }

    @Test func `says which record it has no word for`() throws {
        let base = try BaseZone(masterFile: Array("a IN HINFO x y\n".utf8), zone: zone)
        let rules = try ZoneRules(
            zone: zone, defaultLocation: japan, ttl: 60,
            targets: [japan: .addresses(sorting: [IPv4Address("192.0.2.10")!], [])!], base: base)
        let picture = try ZonePicture(rules) { _ in }
        #expect(throws: ZoneError.typeUnknown("a.kintone.com", "HINFO")) {
            try OctoDNSText(rules, picture)
        }
    }
}
