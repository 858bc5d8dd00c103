import RegistryDNS
import Testing

@Suite("A zone as a server has it") struct ServedZoneFileTests {
    private static let authority =
        "kintone.com.\t300\tIN\tSOA\tns1.kintone.com. hostmaster.kintone.com. 1 2 3 4 5\n"

    private func read(_ text: String) throws -> [ServedSet] {
        try ServedZoneFile.read(Array(text.utf8), zone: "kintone.com")
    }

    @Test func `is what dig AXFR prints, whatever case names were written in`() throws {
        let sets = try read(
            """
            ; <<>> DiG 9.18 <<>> kintone.com AXFR
            \(Self.authority)Acme.Kintone.com.\t60\tIN\tA\t192.0.2.2
            acme.kintone.com. 60 IN A 192.0.2.1
            acme.kintone.com. 60 IN AAAA 2001:DB8:0::1
            name.kintone.com. 60 IN CNAME Edge.Example.NET.
            _acme-challenge.x.kintone.com. 60 IN TXT "a; b"
            acme.kintone.com. 60 IN RRSIG A 13 3 60 20261231000000 20261101000000 1 kintone.com. c2ln
            \(Self.authority)
            """)
        let found = sets.map { "\($0.set.name) \($0.set.type) \($0.set.ttl) \($0.set.data)" }
        #expect(
            found.prefix(5) == [
                #"kintone.com SOA 300 values(["ns1.kintone.com. hostmaster.kintone.com. 1 2 3 4 5"])"#,
                #"acme.kintone.com A 60 values(["192.0.2.1", "192.0.2.2"])"#,
                #"acme.kintone.com AAAA 60 values(["2001:db8::1"])"#,
                #"name.kintone.com CNAME 60 values(["edge.example.net."])"#,
                #"_acme-challenge.x.kintone.com TXT 60 values(["\"a; b\""])"#,
            ], "\(found)")
        // Signatures are the server's.
        #expect(sets.count == 5)
    }

    @Test func `is whole where dig has counted it, though its SOA comes once`() throws {
        let text = """
            ; <<>> DiG 9.18 <<>> +onesoa AXFR kintone.com
            \(Self.authority)acme.kintone.com. 60 IN A 192.0.2.2
            """
        #expect(throws: ServedZoneFile.Malformed.self) { try read(text) }
        let counted = text + "\n;; Query time: 0 msec\n;; XFR size: 2 records (messages 1)\n"
        #expect(try read(counted).count == 2)
    }

    /// As BaseZone has it: a name server whose name is in another case would be added and deleted in one message.
    @Test func `has names in values in lower case, and nothing that is derived`() throws {
        let sets = try read(
            """
            ; by hand
            \(Self.authority)kintone.com. 60 IN NS NS2.Example.net.
            kintone.com. 60 IN MX 10 Mail.Example.net.
            _sip._tcp.kintone.com. 60 IN SRV 1 2 5060 Sip.Example.net.
            kintone.com. 60 IN DS 1 13 2 \(String(repeating: "AB", count: 32))
            kintone.com. 60 IN DNSKEY 257 3 13 \(String(repeating: "A", count: 86))==
            kintone.com. 60 IN CDS 0 0 0 00
            kintone.com. 60 IN ZONEMD 1 1 1 \(String(repeating: "ab", count: 48))
            """)
        #expect(
            sets.dropFirst().map { "\($0.set.type) \($0.set.values.joined())" } == [
                "NS ns2.example.net.", "MX 10 mail.example.net.",
                "SRV 1 2 5060 sip.example.net.",
                "DS 1 13 2 \(String(repeating: "ab", count: 32))",
            ])
    }

    @Test(arguments: [
        authority + "a.kintone.com. 60 IN A 192.0.2.1\n",
        "; <<>> DiG 9.18 <<>> kintone.com AXFR\n" + authority,
        "; <<>> DiG 9.18 <<>> kintone.com AXFR\n; (1 server found)\n" + authority,
        ";; AXFR for kintone.com.\n\n" + authority,
        ";; communications error to 192.0.2.53#53: end of file\n" + authority,
        // What comes behind the SOA isn't a comment of a master file's.
        authority + "; said by whoever\na.kintone.com. 60 IN A 192.0.2.1\n",
        authority + #"a\.b.kintone.com. 60 IN A 192.0.2.1"#,
        authority + authority + "a.kintone.com. 60 IN A 192.0.2.1\n",
        // Another zone's serial, as if two transfers had been put together.
        authority + "kintone.com.\t300\tIN\tSOA\tns1.kintone.com. h.kintone.com. 2 2 3 4 5\n",
    ])
    func `is refused where it's a transfer without its end`(text: String) {
        let error = #expect(throws: ServedZoneFile.Malformed.self) { try read(text) }
        #expect(error?.description.hasPrefix("it doesn't end with the SOA") ?? false)
    }

    @Test(arguments: [
        "$ORIGIN kintone.com.\n@ 300 IN SOA ns1 hostmaster 1 2 3 4 5\na 60 IN A 192.0.2.1\n",
        "; The zone kintone.com\n" + authority + "a.kintone.com. 60 IN A 192.0.2.1\n",
        ";; Zone dump (Knot DNS 3.2.6)\n" + authority + "a.kintone.com. 60 IN A 192.0.2.1\n",
        authority + "a.kintone.com. 60 IN A 192.0.2.1\n" + authority,
    ])
    func `is read where it's a master file, or a transfer with its end`(text: String) throws {
        #expect(try read(text).count == 2)
    }

    /// The two ways in which it's read.
    @Test func `is the same whether its lines depend on one another or not`() throws {
        let records = """
            Acme.kintone.com. 60 IN A 192.0.2.1
            acme.kintone.com. 60 IN A 192.0.2.2
            *.kintone.com. 60 IN AAAA 2001:DB8::1
            name.kintone.com. 60 IN CNAME Edge.example.net.
            a\\.b.kintone.com. 60 IN TXT "a b" "c"

            """
        let plain = try read(Self.authority + records + Self.authority)
        #expect(plain.count == 5)
        #expect(
            try read("$ORIGIN kintone.com.\n" + Self.authority + records + Self.authority)
                == plain)
    }

    @Test(arguments: [
        ("", "it has no SOA"), ("acme.kintone.com. 60 IN A 192.0.2.1\n", "it has no SOA"),
        (authority + "; Transfer failed.\n", "its transfer failed"),
        (authority + "example.org. 60 IN A 192.0.2.1\n", "line 2: example.org isn't in the zone"),
        (authority + "acme.kintone.com. 60 IN A nonsense\n", "line 2: "),
        (authority + "\0", "it isn't text"),
    ])
    func `is refused where it isn't the whole of it`(text: String, words: String) {
        let error = #expect(throws: ServedZoneFile.Malformed.self) { try read(text) }
        #expect(error?.description.hasPrefix(words) ?? false, "\(error?.description ?? "")")
    }
}
