import RegistryModel
import Testing

@Suite("A name in ASCII") struct FQDNTests {
    static let label63 = String(repeating: "a", count: 63)
    /// 63 + 1 + 63 + 1 + 63 + 1 + 61 bytes.
    static let name253 = [label63, label63, label63, String(repeating: "b", count: 61)]
        .joined(separator: ".")

    @Test(arguments: [
        ("acme.kintone.com", "acme.kintone.com"),
        ("acme.kintone.com.", "acme.kintone.com"),
        ("ACME.KinTone.COM", "acme.kintone.com"),
        ("A.B.", "a.b"),
        ("1.example", "1.example"),
        ("1.2.3.4a", "1.2.3.4a"),
        ("0-0.example", "0-0.example"),
        ("a--b.example", "a--b.example"),
        ("ab--cd.example", "ab--cd.example"),
        ("a.1-2", "a.1-2"),
        (label63 + ".example", label63 + ".example"),
        (name253, name253),
        (name253 + ".", name253),
    ])
    func `is accepted in canonical form`(input: String, canonical: String) throws {
        #expect(try FQDN(input).text == canonical)
    }

    @Test(
        arguments: [
            ("", .empty),
            (".", .empty),
            ("..", .emptyLabel),
            ("a..example", .emptyLabel),
            (".a.example", .emptyLabel),
            ("a.example..", .emptyLabel),
            ("localhost", .tooFewLabels),
            ("localhost.", .tooFewLabels),
            ("12", .tooFewLabels),
            ("a." + label63 + "a", .labelTooLong),
            (label63 + "a.example", .labelTooLong),
            (name253 + "b", .tooLong),
            (name253 + "b.", .tooLong),
            (String(repeating: "a.", count: 100_000) + "b", .tooLong),
            ("a.1", .numericLastLabel),
            ("192.168.0.1", .numericLastLabel),
            ("a.0.", .numericLastLabel),
            ("-a.example", .hyphenAtEdge),
            ("a-.example", .hyphenAtEdge),
            ("a.example-", .hyphenAtEdge),
            ("a.-", .hyphenAtEdge),
            ("a.example:443", .forbiddenCharacter),
            ("a.example.:443", .forbiddenCharacter),
            ("[::1]", .forbiddenCharacter),
            ("a_b.example", .forbiddenCharacter),
            ("*.example", .forbiddenCharacter),
            ("a b.example", .forbiddenCharacter),
            (" a.example", .forbiddenCharacter),
            ("a.example\n", .forbiddenCharacter),
            ("a.example\r\n", .forbiddenCharacter),
            ("a\r\n.example", .forbiddenCharacter),
            ("a\0b.example", .forbiddenCharacter),
            ("a.example\0", .forbiddenCharacter),
            ("a/b.example", .forbiddenCharacter),
            ("a%2eb.example", .forbiddenCharacter),
            ("a@b.example", .forbiddenCharacter),
            ("a.exam\u{7F}ple", .forbiddenCharacter),
        ] as [(String, FQDN.Malformed)])
    func `is refused with the rule that it breaks`(input: String, rule: FQDN.Malformed) {
        #expect(throws: rule) { try FQDN(input) }
    }

    @Test func `is the same whatever its type of string`() throws {
        let whole = "x.acme.kintone.com"
        #expect(try FQDN(whole.dropFirst(2)) == FQDN("acme.kintone.com"))
    }

    @Test func `has a sentence for every rule`() {
        for rule in FQDN.Malformed.allCases { #expect(!rule.explanation.isEmpty) }
        let sentences = Set(FQDN.Malformed.allCases.map(\.explanation))
        #expect(sentences.count == FQDN.Malformed.allCases.count)
    }

    @Test(arguments: [
        ("acme.kintone.com", "kintone.com", true),
        ("a.b.kintone.com", "kintone.com", true),
        ("kintone.com", "kintone.com", true),
        ("evilkintone.com", "kintone.com", false),
        ("evil.xkintone.com", "kintone.com", false),
        ("kintone.com", "acme.kintone.com", false),
        ("acme.kintone.com.evil.net", "kintone.com", false),
        ("acme.kintone.net", "kintone.com", false),
    ])
    func `is within a parent at a label boundary only`(
        name: String, parent: String, isWithin: Bool
    ) throws {
        #expect(try FQDN(name).isWithin(FQDN(parent)) == isWithin)
    }

    @Test func `gives its first label`() throws {
        #expect(try FQDN("Acme.kintone.com").firstLabel == "acme")
    }

    @Test func `is ordered by bytes`() throws {
        let names = try ["b.a", "a-b.c", "a.c", "a.b.c", "a0.c", "aa.c"].map { try FQDN($0) }
        // `-` 2D, `.` 2E, digits 30, letters 61.
        #expect(names.sorted().map(\.text) == ["a-b.c", "a.b.c", "a.c", "a0.c", "aa.c", "b.a"])
    }
}
