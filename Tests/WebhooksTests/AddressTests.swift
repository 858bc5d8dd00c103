import RegistryModel
import RegistryService
import Testing

@testable import Webhooks

@Suite("An address that a webhook leads to") struct ReceiverAddressTests {
    @Test(arguments: [
        "169.254.0.1", "169.254.169.254", "169.254.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16",
        "::", "fe80::1", "febf::1", "fec0::1", "ff02::1", "fd00:ec2::254", "fd00:ec2::23",
        "fd20:ce::254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254",
        "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1", "2001:0:1:2::1",
        "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1", "::ffff:0.0.0.0",
        "::ffff:224.0.0.1",
    ])
    func `is refused, whatever is allowed`(text: String) throws {
        let address = try #require(ReceiverAddress(text))
        #expect(address.refusal(allowingLoopback: true) != nil)
        #expect(address.refusal(allowingLoopback: false) != nil)
    }

    @Test(arguments: ["127.0.0.1", "127.255.255.254", "::1"])
    func `is this machine's only where that is allowed`(text: String) throws {
        let address = try #require(ReceiverAddress(text))
        #expect(address.refusal(allowingLoopback: true) == nil)
        #expect(address.refusal(allowingLoopback: false) == "it's this machine's own address")
    }

    @Test(arguments: [
        "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "192.0.2.1", "8.8.8.8",
        "169.253.255.255", "169.255.0.0", "126.255.255.255", "128.0.0.1", "223.255.255.255",
        "2001:db8::1", "fd12:3456::1", "fd00:ec3::254", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8",
        "2002:c000:201::1", "2606:4700::1111", "fe00::1",
    ])
    func `may be any other, a private network's too`(text: String) throws {
        #expect(try #require(ReceiverAddress(text)).refusal(allowingLoopback: false) == nil)
    }

    @Test(arguments: ["0177.0.0.1", "127.1", "2130706433", "0x7f000001", "127.0.0.01", "", "a.b"])
    func `isn't read from what people see an address in, and others a name`(text: String) {
        #expect(ReceiverAddress(text) == nil)
    }
}

@Suite("A webhook's URL") struct WebhookURLTests {
    @Test(arguments: [
        ("https://chat.example", "https://chat.example", "chat.example", 443),
        ("HTTPS://Chat.Example:8443/In?Key=X", "https://chat.example:8443", "chat.example", 8443),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9", "127.0.0.1", 9),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]", "2001:db8::1", 443),
        ("http://localhost", "http://localhost", "localhost", 80),
        ("https://a_b.example/%20?q=%2F", "https://a_b.example", "a_b.example", 443),
    ])
    func `is read`(text: String, origin: String, host: String, port: Int) throws {
        let url = try WebhookURL(text)
        #expect(url.origin == origin && url.host == host && url.port == port)
        #expect(try WebhookURL(url.text) == url)
        #expect(url.text.hasPrefix(origin) && url.text.count == text.count)
    }

    @Test(
        arguments: [
            ("", .scheme), ("chat.example", .scheme), ("ftp://a.example", .scheme),
            ("https://a b", .characters), ("https://ä.example", .characters),
            ("https://u:p@a.example", .user), ("https://a.example@169.254.169.254/", .user),
            ("https://a.example/#x", .fragment), ("https://", .host), ("https:///x", .host),
            ("https://127.1", .host), ("https://2130706433/", .host), ("https://0177.0.0.1", .host),
            ("https://0x7f.0x0.0x0.0x1", .host), ("https://0x7f000001/", .host),
            ("https://1.0x7F/", .host), ("https://[::1", .host),
            ("https://[fe80::1%25eth0]", .host),
            ("https://a.example./", .host), ("https://-a.example", .host),
            ("https://a.example:0", .port), ("https://a.example:", .port),
            ("https://a.example:65536", .port), ("https://a.example/%", .characters),
            ("https://a.example/%zz", .characters), ("https://a.example/<x>", .characters),
            (#"https://a.example\@b.example"#, .characters),
            ("https://a.example/" + String(repeating: "x", count: 2_031), .characters),
        ] as [(String, WebhookURL.Malformed)])
    func `is refused with the rule that it breaks`(text: String, rule: WebhookURL.Malformed) {
        #expect(throws: rule) { try WebhookURL(text) }
    }

    @Test(
        arguments: [
            ("https://chat.example", false, true), ("https://10.1.2.3/", false, true),
            ("http://chat.example", false, false), ("http://chat.example", true, false),
            ("http://127.0.0.1:9", true, true), ("http://127.0.0.1:9", false, false),
            ("http://[::1]:9", true, true), ("https://[::1]", false, false),
            ("http://localhost", true, true), ("https://a.localhost", false, false),
            ("https://169.254.169.254/latest", true, false),
            ("https://[::ffff:169.254.169.254]/", true, false),
            ("https://[fd00:ec2::254]", true, false), ("https://0.0.0.0", true, false),
        ])
    func `leads only where it may`(text: String, allowsPlain: Bool, isAllowed: Bool) throws {
        let refusal = try WebhookURL(text).refusal(allowingPlain: allowsPlain)
        #expect((refusal == nil) == isAllowed, "\(refusal ?? "")")
    }
}

@Suite("A webhook's name, looked up") struct AddressLookupTests {
    private static func lookup(_ texts: String...) -> AddressLookup {
        AddressLookup { _ in .success(texts.compactMap { ReceiverAddress($0) }) }
    }

    private static func found(
        _ lookup: AddressLookup, _ url: String, allowingLoopback: Bool = false
    ) async throws -> [String] {
        try await lookup.addresses(of: WebhookURL(url), allowingLoopback: allowingLoopback)
            .map(\.description)
    }

    @Test func `gives its addresses in order`() async throws {
        let lookup = Self.lookup("192.0.2.1", "2001:db8::1")
        #expect(
            try await Self.found(lookup, "https://chat.example") == ["192.0.2.1", "2001:db8::1"])
    }

    @Test(arguments: ["169.254.169.254", "fe80::1", "::", "127.0.0.1", "::ffff:169.254.169.254"])
    func `is refused where one of them is one that mustn't be`(bad: String) async throws {
        for lookup in [Self.lookup(bad), Self.lookup("192.0.2.1", bad)] {
            let error = await #expect(throws: AddressLookup.LookupFailure.self) {
                try await Self.found(lookup, "https://chat.example")
            }
            #expect(error?.description.contains(bad) == true)
        }
    }

    @Test func `is refused over http where it's no name of this machine's`() async throws {
        for addresses in [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"]] {
            let lookup = AddressLookup { _ in
                .success(addresses.compactMap { ReceiverAddress($0) })
            }
            await #expect(throws: AddressLookup.LookupFailure.self) {
                try await Self.found(lookup, "http://localhost:9", allowingLoopback: true)
            }
        }
        #expect(
            try await Self.found(
                Self.lookup("127.0.0.1"), "http://localhost:9", allowingLoopback: true)
                == ["127.0.0.1"])
    }

    @Test func `isn't looked up where it's an address`() async throws {
        let lookup = AddressLookup { _ in .failure(.init(description: "asked")) }
        #expect(try await Self.found(lookup, "https://192.0.2.7") == ["192.0.2.7"])
        await #expect(throws: AddressLookup.LookupFailure.self) {
            try await Self.found(lookup, "https://chat.example")
        }
    }

    @Test func `is the system's`() async throws {
        let found = try await Self.found(.system, "http://localhost", allowingLoopback: true)
        #expect(!found.isEmpty && Set(found).isSubset(of: ["127.0.0.1", "::1"]))
        let error = await #expect(throws: AddressLookup.LookupFailure.self) {
            try await Self.found(.system, "https://no-such-host.invalid")
        }
        #expect(error?.description.contains("has no address") == true)
    }
}
