import RegistryModel
import Testing

@Suite("The digest chain") struct DigestContract {
    @Test func `is checked here with a SHA-256 that knows its own test vectors`() {
        func hex(_ text: String) -> String {
            SHA256ByTheBook.hash(Array(text.utf8)).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined()
        }
        #expect(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    }

    @Test(arguments: StoreUnderTest.all)
    func `recomputed from all that is read back ends at the head`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            #expect(try await session.store.head().digest == Array(repeating: 0, count: 32))
            let expiry = StoreSession.start.adding(.seconds(60))
            var odd = token("odd", expiresAt: expiry)
            odd.name = "a \"quoted\" \\ name, 5:japan, ~"
            let tenant = "日本, 3:abc,~ é e\u{301} \u{1F600}"
            let commands: [Command] = [
                .register(NewDomain(fqdn: fqdn("a.example"), tenant: tenant)),
                .registerBatch(
                    (0..<3_000).map { .wanted(NewDomain(fqdn: fqdn("b\($0).example"))) }),
                .change(fqdn("a.example"), DomainPatch(location: aws, mode: .reject), ifMatch: nil),
                .release(fqdn("a.example"), ifMatch: nil), .restore(fqdn("a.example")),
                .putLocation(aws, settings("https://aws/a?b=c", isDefault: true)),
                .putLocation(nowhere, settings()), .deleteLocation(nowhere),
                .createToken(odd), .createToken(token("b")), .revokeToken(id: "odd"),
            ]
            let notes = [Note(), Note(reason: ""), Note(reason: "5:x,~", ticket: "t\nü")]
            for (index, command) in commands.enumerated() {
                try await session.commit(
                    command, by: Actor(token: "t", name: "näme", role: .admin),
                    note: notes[index % notes.count], requestID: "r\(index)")
                session.pass(.milliseconds(17))
            }
            let log = try await session.log()
            var digest = [UInt8](repeating: 0, count: 32)
            for number in 1...Int64(commands.count) {
                let items = log.filter { $0.header.revision.number == number }
                #expect(!items.isEmpty)
                digest = IndependentDigest.after(digest, items)
            }
            let head = try await session.store.head()
            #expect(head.revision.number == Int64(commands.count))
            #expect(head.digest == digest)
        }
    }
}
