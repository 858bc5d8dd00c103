import RegistryModel
import Testing

@Suite("Addresses") struct IPAddressTests {
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("2001:DB8::A", "2001:db8::a"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("0:0:0:1:0:0:0:0", "0:0:0:1::"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("0001:0002::", "1:2::"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ])
    func `of IPv6 have one spelling`(text: String, spelled: String) {
        #expect(IPv6Address(text)?.description == spelled)
        #expect(IPv6Address(spelled) == IPv6Address(text))
    }

    @Test(arguments: [
        "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "::g",
        "::1%eth0", "[::1]",
        "1:2:3:4:5:6:7:8::", "::192.0.2.256", "192.0.2.1", "::1.2.3", "1.2.3.4::", ":1::2", "1::2:",
        " ::1",
    ])
    func `that aren't IPv6 are none`(text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test func `of IPv4 have no leading zeros`() {
        #expect(IPv4Address("192.0.2.10")?.description == "192.0.2.10")
        #expect(IPv4Address("0.0.0.0")?.description == "0.0.0.0")
        #expect(IPv4Address("255.255.255.255")?.number == .max)
        for text in [
            "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.+4", "1..2.3", " 1.2.3.4",
        ] {
            #expect(IPv4Address(text) == nil, "\(text)")
        }
    }
}
