import RegistryAPI
import RegistryModel
import Testing

@Suite("The feed's shapes") struct FeedTests {
    static let domain = Domain(
        fqdn: FQDN(canonical: "acme.kintone.com"),
        placement: Placement(
            location: LocationName(canonical: "aws"), mode: .readOnly, tenant: "ac\"me", fence: nil),
        revision: Revision(7), registeredAt: Timestamp(milliseconds: 1_567_472_523_000),
        changedAt: Timestamp(milliseconds: 1_592_697_600_001))
    static let page = FeedPage(
        epoch: Epoch("abc"), from: Revision(6), to: Revision(10), head: Revision(11),
        changes: [
            .set(domain), .gone(Revision(8), FQDN(canonical: "b.kintone.com")),
            .locationChanged(
                Revision(9), LocationName(canonical: "osaka"),
                upstream: UpstreamURL(canonical: "http://osaka:80")),
            .locationChanged(Revision(10), LocationName(canonical: "osaka"), upstream: nil),
        ])
    static let domainText =
        #"{"fqdn":"acme.kintone.com","location":"aws","mode":"read_only","tenant":"ac\"me","#
        + #""revision":7,"registered_at":"2019-09-03T01:02:03.000Z","#
        + #""changed_at":"2020-06-21T00:00:00.001Z"}"#

    @Test func `are written as the contract has them`() {
        let text = Self.text { $0.write(Self.page) }
        #expect(
            text == #"{"epoch":"abc","from":6,"to":10,"head":11,"changes":["# + Self.domainText
                + #",{"revision":8,"fqdn":"b.kintone.com","gone":true},"#
                + #"{"revision":9,"location_changed":{"name":"osaka","upstream":"http://osaka:80"}},"#
                + #"{"revision":10,"location_changed":{"name":"osaka","upstream":null}}]}"#)
        let heartbeat = Self.text { $0.write(Heartbeat(head: Revision(5), digest: "x:1")) }
        #expect(heartbeat == #"{"head":5,"digest":"x:1"}"#)
        #expect(
            Self.text { $0.write(Self.header) }
                == #"{"epoch":"abc","revision":6,"count":2,"digest":"x:1","locations":["#
                + #"{"name":"aws","upstream":"http://aws:80"}]}"#)
    }

    static let header = SnapshotHeader(
        epoch: Epoch("abc"), revision: Revision(6), count: 2, digest: "x:1",
        locations: [
            .init(
                name: LocationName(canonical: "aws"),
                upstream: UpstreamURL(canonical: "http://aws:80"))
        ])

    @Test func `read back as they were written`() throws {
        #expect(try FeedPage(parsing: Self.bytes { $0.write(Self.page) }) == Self.page)
        let empty = FeedPage(
            epoch: Epoch("e"), from: Revision(0), to: Revision(0), head: Revision(0))
        #expect(try FeedPage(parsing: Self.bytes { $0.write(empty) }) == empty)
        #expect(try SnapshotHeader(parsing: Self.bytes { $0.write(Self.header) }) == Self.header)
        let heartbeat = Heartbeat(head: Revision(5), digest: "x:1")
        #expect(try Heartbeat(parsing: Self.bytes { $0.write(heartbeat) }) == heartbeat)
        #expect(try Self.domain(of: Self.domainText) == Self.domain)
    }

    private static func domain(of line: String) throws -> Domain {
        var lines = SnapshotLines()
        return try lines.domain(line.utf8)
    }

    @Test func `pass over members that a later version may add`() throws {
        let line = Self.domainText.dropLast() + #","later":[1]}"#
        #expect(try Self.domain(of: String(line)) == Self.domain)
        let heartbeat = try Heartbeat(parsing: Array(#"{"head":1,"digest":"d","x":{}}"#.utf8))
        #expect(heartbeat.head == Revision(1))
    }

    @Test(arguments: [
        ("acme.kintone.com", "ACME.kintone.com"), ("acme.kintone.com", "acme"),
        (#""location":"aws""#, #""location":"A""#), ("read_only", "readonly"),
        (#""revision":7"#, #""revision":7.0"#), (#""revision":7"#, #""revision":-1"#),
        (#""revision":7,"#, ""), ("2019-09-03T01", "2019-09-03X01"), ("ac\\\"me", ""),
        ("}", ""), ("}", "} x"), (#""tenant":"ac\"me""#, #""tenant":null"#),
    ])
    func `refuse a domain that isn't right`(right: String, wrong: String) {
        let line = Self.domainText.replacing(right, with: wrong)
        #expect(throws: FeedFormatError.self) { try Self.domain(of: String(line)) }
    }

    @Test(arguments: [
        (#""from":6"#, #""from":11"#), (#""from":6"#, #""from":7"#), (#""to":10"#, #""to":9"#),
        (#""head":11"#, #""head":9"#), (#""revision":8"#, #""revision":6"#),
        (#""gone":true"#, #""gone":false"#), (#""epoch":"abc""#, #""epoch":"""#),
        (#""upstream":"http://osaka:80""#, #""upstream":"ftp://osaka""#),
        (#"{"name":"osaka","upstream":null}"#, "1"), ("]}", "]"), (#""changes":["#, #""change":["#),
    ])
    func `refuse a page that isn't right`(right: String, wrong: String) {
        let text = Self.text { $0.write(Self.page) }.replacing(right, with: wrong)
        #expect(throws: FeedFormatError.self) { try FeedPage(parsing: Array(text.utf8)) }
    }

    @Test(arguments: [
        ("http://aws:80", ""), (#""count":2"#, #""count":-2"#), ("x:1", ""),
        (#""name":"aws""#, #""name":"A""#), (#""upstream":"http://aws:80""#, #""upstream":null"#),
    ])
    func `refuse a header that isn't right`(right: String, wrong: String) {
        let text = Self.text { $0.write(Self.header) }.replacing(right, with: wrong)
        #expect(throws: FeedFormatError.self) { try SnapshotHeader(parsing: Array(text.utf8)) }
    }

    private static func bytes(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        body(&writer)
        return writer.bytes
    }

    private static func text(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: bytes(body), as: UTF8.self)
    }
}
