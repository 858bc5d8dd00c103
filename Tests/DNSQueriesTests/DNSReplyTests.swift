import Testing

@testable import DNSQueries

@Suite("A DNS server's answer") struct DNSReplyTests {
    /// For acme.example. AAAA: a CNAME to edge.example., whose address is there too.
    private static let message: [UInt8] =
        [0x12, 0x34, 0x84, 0x00, 0, 1, 0, 2, 0, 0, 0, 0]
        + name("acme", "example") + [0, 28, 0, 1]
        // A pointer to the question, and in the data one to the second label of it.
        + [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 7, 4] + Array("EDGE".utf8) + [0xC0, 17]
        + [0xC0, 42, 0, 28, 0, 1, 0, 0, 0, 61, 0, 16]
        + [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

    private static func name(_ labels: String...) -> [UInt8] {
        labels.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private func read(_ bytes: some Collection<UInt8>, _ name: String) -> DNSReply? {
        Array(bytes).withUnsafeBufferPointer { DNSReply(message: $0, name: name) }
    }

    @Test func `has the records of the name that was asked for, and no other's`() throws {
        let reply = try #require(read(Self.message, "acme.example"))
        #expect(reply.code == 0 && reply.isAuthoritative)
        #expect(
            reply.records == [DNSReply.Record(type: .cname, ttl: 60, value: "edge.example.")])
        let other = try #require(read(Self.message, "edge.example"))
        #expect(
            other.records == [DNSReply.Record(type: .ipv6, ttl: 61, value: "2001:db8::1")])
    }

    @Test func `is none where it's cut off, wherever that is`() {
        for count in 0..<Self.message.count {
            #expect(read(Self.message.prefix(count), "acme.example") == nil, "\(count)")
        }
    }

    @Test func `is read within its bytes, whatever is in them`() {
        // Each byte in turn, as 0, as a pointer, and as the largest.
        for place in Self.message.indices {
            for value: UInt8 in [0, 1, 0x3F, 0xC0, 0xFF] {
                var bytes = Self.message
                bytes[place] = value
                _ = read(bytes, "acme.example")
            }
        }
    }
}

@Suite("A DNS server's address") struct NameServerAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:53"), ("127.0.0.1:5353", "127.0.0.1:5353"),
        ("2001:DB8::53", "[2001:db8::53]:53"), ("[::1]", "[::1]:53"), ("[::1]:5353", "[::1]:5353"),
    ])
    func `has a port, whichever family it is of`(text: String, written: String) {
        #expect(NameServerAddress(text)?.description == written)
    }

    @Test(arguments: [
        "", ":53", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "[::1", "[::1]53",
        "[127.0.0.1]:53", "ns1.kintone.com", "127.0.0.1,127.0.0.2", "fe80::1%eth0",
    ])
    func `is none otherwise`(text: String) {
        #expect(NameServerAddress(text) == nil)
    }
}
