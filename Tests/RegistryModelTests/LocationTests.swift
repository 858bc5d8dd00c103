import RegistryModel
import Testing

@Suite("A location") struct LocationTests {
    @Test(arguments: ["japan", "aws", "a", "0", "eu-west-1", String(repeating: "x", count: 63)])
    func `has a name of letters, digits and hyphens`(name: String) {
        #expect(LocationName(name)?.text == name)
    }

    @Test(arguments: [
        "", "-a", "a-", "-", "Japan", "a.b", "a_b", "a b", "a\n", "a\0", "日本", "ä", "a/b", "a:b",
        String(repeating: "x", count: 64), "é", "a\u{301}",
    ])
    func `has no other name`(name: String) {
        #expect(LocationName(name) == nil)
    }

    @Test(arguments: [
        "http://a", "https://japan.internal:8443/base?x=1", "HTTP://JAPAN.internal",
        "http://user:secret@host/", "http://[::1]:80/",
        "http://h/" + String(repeating: "x", count: 2039),
    ])
    func `may have been sent to any absolute URL by earlier releases`(url: String) {
        #expect(UpstreamURL(url)?.text == url)
    }

    @Test(arguments: [
        "", "japan.internal", "ftp://host", "http:/host", "http://", "http:///path", "http://:80",
        "http://user@", "http://@:80/", "http://?x", "http://#x", "http://ho st",
        "http://host/\r\nX: y",
        "http://host/\0", "http://host/\u{7F}", "http://hóst", "http://host/\t", " http://host",
        "http://h/" + String(repeating: "x", count: 2040),
    ])
    func `sends requests nowhere else`(url: String) {
        #expect(UpstreamURL(url) == nil)
        #expect(throws: UpstreamURL.Malformed.self) { try UpstreamURL(setting: url) }
    }

    @Test(arguments: [
        "http://a", "HTTPS://Japan.Internal:8443", "http://app_server-1:80", "http://a.example.",
        "http://192.0.2.1:65535", "http://[::1]:80", "http://[2001:DB8:0:0:1:2:3:4]",
        "http://[::ffff:192.0.2.1]", "http://[1:2:3:4:5:6:192.0.2.1]:1", "http://[1::]",
        "http://1.example", "http://0.0.0.0", "http://" + String(repeating: "a", count: 63),
    ])
    func `is set by scheme, host and port`(url: String) throws {
        #expect(try UpstreamURL(setting: url).text == url)
        #expect(try UpstreamURL(setting: url + "/").text == url)
    }

    @Test(arguments: [
        ("ws://host", UpstreamURL.Malformed.scheme), ("//host", .scheme), ("host:80", .scheme),
        ("http://h\u{E4}", .characters), ("http://a b", .characters),
        ("http://user:secret@host", .user), ("http://@host", .user), ("http://a@b:99999/x", .user),
        ("http://host/x", .path), ("http://host//", .path), ("http://host?", .path),
        ("http://host#", .path), ("http://host/?", .path),
        ("http://host:0", .port), ("http://host:65536", .port), ("http://host:", .port),
        ("http://host:080", .port), ("http://host:8o", .port), ("http://host:+1", .port),
        ("http://[::1]:0", .port), ("http://::1", .host), ("http://2001:db8::1", .host),
        ("http://", .host), ("http://:80", .host), ("http:///", .host), ("http://a..b", .host),
        ("http://-a", .host), ("http://a-", .host), ("http://.a", .host), ("http://.", .host),
        ("http://1.2.3", .host), ("http://256.1.1.1", .host), ("http://01.2.3.4", .host),
        ("http://1", .host), ("http://a\"b", .host), ("http://a;b", .host), ("http://$a", .host),
        ("http://%61", .host), ("http://a\\b", .host), ("http://{host}", .host),
        ("http://*.a", .host),
        ("http://[::1", .host), ("http://[]", .host), ("http://[1:2]", .host),
        ("http://[1::2::3]", .host), ("http://[:::]", .host), ("http://[1:2:3:4:5:6:7:8::]", .host),
        ("http://[fe80::1%25eth0]", .host), ("http://[12345::]", .host), ("http://[g::]", .host),
        ("http://[1.2.3.4::]", .host), ("http://[::1]x", .host), ("http://[v1.a]", .host),
        ("http://" + String(repeating: "a", count: 64), .host),
        ("http://" + String(repeating: "a.", count: 127) + "a", .host),
    ])
    func `can't be set to anything else`(url: String, rule: UpstreamURL.Malformed) {
        #expect(throws: rule) { try UpstreamURL(setting: url) }
    }
}

@Suite("A patch") struct DomainPatchTests {
    private let japan = LocationName("japan")
    private let aws = LocationName("aws")

    @Test func `sets what it names and keeps the rest`() throws {
        let before = Placement(
            location: try #require(japan), mode: .readOnly, tenant: "acme", fence: nil)
        let moved = DomainPatch(location: aws).applied(to: before)
        #expect(
            moved
                == Placement(
                    location: try #require(aws), mode: .readOnly, tenant: "acme", fence: nil))
        #expect(DomainPatch(mode: .serve).applied(to: before).tenant == "acme")
        #expect(DomainPatch(tenant: .set("b")).applied(to: before).tenant == "b")
        #expect(DomainPatch(tenant: .clear).applied(to: before).tenant == nil)
        #expect(DomainPatch().applied(to: before) == before)
    }

    @Test func `holds to the revisions of its precondition`() {
        let seven = Position(epoch: Epoch("e"), revision: Revision(7))
        let six = Position(epoch: Epoch("e"), revision: Revision(6))
        let other = Position(epoch: Epoch("f"), revision: Revision(7))
        #expect(Precondition.exists.holds(for: seven))
        #expect(Precondition.position(anyOf: [six, seven]).holds(for: seven))
        #expect(!Precondition.position(anyOf: [six]).holds(for: seven))
        #expect(!Precondition.position(anyOf: [other]).holds(for: seven))
        #expect(!Precondition.position(anyOf: []).holds(for: seven))
    }

    @Test func `reads a revision with its epoch in one spelling, and one without`() throws {
        #expect(Position("e.7") == Position(epoch: Epoch("e"), revision: Revision(7)))
        #expect(Position("234567892345.7")?.epoch == Epoch("234567892345"))
        for text in [
            "", ".", "7", ".7", "e.", "e.07", "e.+7", "e.-7", "e. 7", "e\".7", "e .7", "ä.7",
            String(repeating: "e", count: 65) + ".7", "e.99999999999999999999",
            // Numbers with a fraction, and what has two dots.
            "1.5", "0.0", "99999999999999999999.1", "a.b.0",
        ] {
            #expect(Position(text) == nil, "\(text)")
        }
        let named = try #require(NamedRevision("e.7"))
        #expect(try named.checked(in: Epoch("e")) == Revision(7))
        #expect(throws: RegistryError.self) { try named.checked(in: Epoch("f")) }
        #expect(try NamedRevision("7")?.checked(in: Epoch("f")) == Revision(7))
        #expect(NamedRevision("-7") == nil && NamedRevision("x") == nil)
    }
}
