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
    func `sends requests to an absolute URL`(url: String) {
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
    }
}

@Suite("A patch") struct DomainPatchTests {
    private let japan = LocationName("japan")
    private let aws = LocationName("aws")

    @Test func `sets what it names and keeps the rest`() throws {
        let before = Placement(location: try #require(japan), mode: .readOnly, tenant: "acme")
        let moved = DomainPatch(location: aws).applied(to: before)
        #expect(moved == Placement(location: try #require(aws), mode: .readOnly, tenant: "acme"))
        #expect(DomainPatch(mode: .serve).applied(to: before).tenant == "acme")
        #expect(DomainPatch(tenant: .set("b")).applied(to: before).tenant == "b")
        #expect(DomainPatch(tenant: .clear).applied(to: before).tenant == nil)
        #expect(DomainPatch().applied(to: before) == before)
    }

    @Test func `holds to the revisions of its precondition`() {
        #expect(Precondition.exists.holds(for: Revision(7)))
        #expect(Precondition.revision(anyOf: [Revision(6), Revision(7)]).holds(for: Revision(7)))
        #expect(!Precondition.revision(anyOf: [Revision(6)]).holds(for: Revision(7)))
        #expect(!Precondition.revision(anyOf: []).holds(for: Revision(7)))
    }
}
