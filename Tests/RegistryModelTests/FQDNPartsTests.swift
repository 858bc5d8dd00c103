import RegistryModel
import Testing

@Suite("A part of names") struct FQDNPartsTests {
    @Test(arguments: [
        ("kintone.com", "kintone.com"), (".Kintone.com", "kintone.com"),
        ("kintone.com.", "kintone.com"),
        ("com", "com"), ("Bücher.example", "xn--bcher-kva.example"), ("テスト", "xn--zckzah"),
        (".日本.kintone.com.", "xn--wgv71a.kintone.com"),
    ])
    func `is an end of them, whatever its letters`(input: String, suffix: String) throws {
        #expect(try FQDN.suffix(input) == suffix)
    }

    @Test(
        arguments: [
            ("", .empty), (".", .empty), ("..", .empty), ("..com", .emptyLabel),
            ("a..com", .emptyLabel),
            ("a_b", .forbiddenCharacter), ("%", .forbiddenCharacter),
            ("a com", .forbiddenCharacter),
            ("-a.com", .hyphenAtEdge), ("com-", .hyphenAtEdge), ("1", .numericLastLabel),
            ("BÜCHER", .capitalLetter), ("bu\u{308}cher.example", .notComposed),
            ("xn--a.com", .notIDNA2008),
            (String(repeating: "a", count: 64), .labelTooLong),
        ] as [(String, FQDN.Malformed)])
    func `is no end where no name can have it`(input: String, rule: FQDN.Malformed) {
        #expect(throws: rule) { try FQDN.suffix(input) }
    }

    @Test(arguments: [
        ("", ""), ("a", "a"), ("AC", "ac"), ("a-", "a-"), ("a.", "a."),
        ("a.kintone.com", "a.kintone.com"),
        ("1", "1"), ("127.0", "127.0"), ("xn--b", "xn--b"), ("xn--bcher-kva.e", "xn--bcher-kva.e"),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
    ])
    func `is a beginning of them`(input: String, prefix: String) throws {
        #expect(try FQDN.prefix(input) == prefix)
    }

    @Test(
        arguments: [
            (".", .emptyLabel), ("a..", .emptyLabel), ("_", .forbiddenCharacter),
            ("-", .hyphenAtEdge),
            ("a-.", .hyphenAtEdge), ("bü", .partOutsideASCII),
            ("bücher.", .partOutsideASCII),
            ("xn--a.b", .notIDNA2008), (String(repeating: "a", count: 64), .labelTooLong),
            (String(repeating: "a", count: 62) + "--", .labelTooLong),
            (String(repeating: "a", count: 62) + "-", .hyphenAtEdge),
            (String(repeating: "a.", count: 127), .tooLong),
        ] as [(String, FQDN.Malformed)])
    func `is no beginning where no name can have it`(input: String, rule: FQDN.Malformed) {
        #expect(throws: rule) { try FQDN.prefix(input) }
    }

    @Test(arguments: [
        ("to", "to"), ("KIN", "kin"), ("--", "--"), ("-a", "-a"), ("a-", "a-"), ("a.", "a."),
        (".a", ".a"), ("e.kintone.c", "e.kintone.c"), ("-e.k-", "-e.k-"), ("0.1", "0.1"),
        ("n--bcher", "n--bcher"), (".xn--bcher-kva.e", ".xn--bcher-kva.e"),
        (String(repeating: "-", count: 61), String(repeating: "-", count: 61)),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
        (
            String(repeating: "ab.", count: 84) + "a", String(repeating: "ab.", count: 84) + "a"
        ),
    ])
    func `is a piece of them`(input: String, piece: String) throws {
        #expect(try FQDN.piece(input) == piece)
    }

    @Test(
        arguments: [
            ("", .pieceTooShort), ("a", .pieceTooShort), (".", .pieceTooShort),
            ("..", .emptyLabel), ("a..b", .emptyLabel), ("a_b", .forbiddenCharacter),
            ("a%", .forbiddenCharacter), ("a b", .forbiddenCharacter), ("a-.", .hyphenAtEdge),
            (".-a", .hyphenAtEdge), ("a.-b.c", .hyphenAtEdge), ("bü", .partOutsideASCII),
            (".xn--a.b", .notIDNA2008), (String(repeating: "a", count: 64), .labelTooLong),
            (String(repeating: "-", count: 62), .labelTooLong),
            (String(repeating: "ab.", count: 84) + "ab", .tooLong),
        ] as [(String, FQDN.Malformed)])
    func `is no piece where no name can have it`(input: String, rule: FQDN.Malformed) {
        #expect(throws: rule) { try FQDN.piece(input) }
    }

    @Test(arguments: [
        ("ab--c.example.com", true), ("a.ab--c.com", true), ("xn--bcher-kva.example", false),
        ("a--b.example.com", false), ("abc--d.example.com", false), ("ab-c.example.com", false),
    ])
    func `may have hyphens that are kept for A-labels`(name: String, isReserved: Bool) throws {
        #expect(try FQDN(name).hasReservedHyphens == isReserved)
    }
}
