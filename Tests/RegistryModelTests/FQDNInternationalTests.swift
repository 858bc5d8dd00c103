import RegistryModel
import Testing

@Suite("A name outside ASCII") struct FQDNInternationalTests {
    @Test(arguments: [
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--Bcher-KVA.Example", "xn--bcher-kva.example"),
        ("bücher.example.", "xn--bcher-kva.example"),
        ("日本.kintone.com", "xn--wgv71a.kintone.com"),
        ("faß.example", "xn--fa-hia.example"),
        ("fass.example", "fass.example"),
        ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        // CONTEXTJ: a zero-width non-joiner after a virama, RFC 5892 A.1.
        ("क्\u{200C}ष.example", "xn--11b2ezcs70k.example"),
    ])
    func `becomes its A-label`(input: String, canonical: String) throws {
        #expect(try FQDN(input).text == canonical)
    }

    @Test func `gives both ways of writing one name the same value`() throws {
        #expect(try FQDN("bücher.example") == FQDN("xn--bcher-kva.example"))
        #expect(try FQDN("faß.example") != FQDN("fass.example"))
    }

    @Test(arguments: [
        "a。example", "bü。example",
        "☃.example", "😀.example", "i❤.example",
        // A joiner without what makes it meaningful.
        "a\u{200C}b.example", "a\u{200D}b.example", "\u{200D}a.example",
        // A mark with nothing to stand on, or directly after a dot.
        "\u{301}a.example", "a.\u{301}b.example",
        "xn--ü.example", "ab--ü.example",
        // Right-to-left and left-to-right in one label.
        "אa.example",
        "a\u{2028}.example", "\u{FFFD}.example",
    ])
    func `is refused where IDNA2008 doesn't know it`(input: String) {
        #expect(throws: FQDN.Malformed.notIDNA2008) { try FQDN(input) }
    }

    /// Nothing is folded or composed: a name means what it says. But people are told what to mend.
    @Test(
        arguments: [
            ("bu\u{308}cher.example", .notComposed), ("か\u{3099}.example", .notComposed),
            ("BÜCHER.example", .capitalLetter), ("ΑΒΓ.example", .capitalLetter),
            ("\u{212A}ü.example", .notComposed),
            ("ｅxample.com", .compatibilityForm), ("ﬁsh.example", .compatibilityForm),
            ("№1.example", .compatibilityForm), ("𝐚.example", .compatibilityForm),
            ("a\u{AD}ü.example", .compatibilityForm),
            ("\u{FEFF}a.example", .compatibilityForm), ("ü\u{200B}.example", .compatibilityForm),
            // Never dots: only U+002E is one.
            ("a．example", .compatibilityForm), ("a｡example", .compatibilityForm),
            ("ｱ.example", .compatibilityForm), ("ＫＩＮＴＯＮＥ.com", .capitalLetter),
            ("faß☃.example", .notIDNA2008),
        ] as [(String, FQDN.Malformed)])
    func `is refused with the rule that people can mend`(input: String, rule: FQDN.Malformed) {
        #expect(throws: rule) { try FQDN(input) }
    }

    @Test(arguments: [
        "xn--a.example",  // Not Punycode.
        "xn--.example",
        "xn---.example",
        "xn--abc-.example",  // Punycode of plain `abc`.
        "xn--fa-hia-.example",
        "xn--Bcher-kva\u{301}.example",
        "xn--n3h.example",  // The snowman.
        "xn--bcher-kva8445foa.example",
        "xn--99999999999.example",
        "xn--zzzzzzzzzzzzzzzzzzzzzzzz.example",
        "a.xn--a",
    ])
    func `is refused as an A-label that nothing has`(input: String) {
        #expect(throws: FQDN.Malformed.self) { try FQDN(input) }
    }

    @Test(arguments: ["-ü.example", "ü-.example", "xn----eha.example", "xn----dha.example"])
    func `is refused where a hyphen hides at the end of a label`(input: String) {
        #expect(throws: FQDN.Malformed.hyphenAtEdge) { try FQDN(input) }
    }

    @Test func `is refused where a NUL hides its end`() {
        #expect(throws: FQDN.Malformed.forbiddenCharacter) { try FQDN("bü\0cher.example") }
        #expect(throws: FQDN.Malformed.forbiddenCharacter) { try FQDN("xn--bcher-kva\0.example") }
        #expect(throws: FQDN.Malformed.forbiddenCharacter) { try FQDN("xn--bcher-kva.example\0x") }
    }

    /// U+0D4E and a dot are one `Character` to Swift, and two bytes' worth of name to the DNS.
    @Test func `is cut at dots even where Unicode binds the dot to a letter`() throws {
        let bound = "\u{0D4E}"
        let name = try? FQDN("\(bound)ക.example")
        let inFront = try? FQDN("ക\(bound).example")
        let atEnd = try? FQDN("a.ക\(bound).")
        if let name { #expect(name.text.split(separator: ".").count == 2) }
        if let inFront {
            #expect(inFront.text.hasSuffix(".example"))
            #expect(try FQDN(inFront.text) == inFront)
        }
        #expect(atEnd == (try? FQDN("a.ക\(bound)")))
    }

    @Test func `is held to the limits of its A-labels`() throws {
        // `xn--` + Punycode of 58 times `ü` is too long for a label; the text itself isn't.
        let long = String(repeating: "ü", count: 63)
        #expect(throws: FQDN.Malformed.self) { try FQDN("\(long).example") }
        let fits = try FQDN("\(String(repeating: "ü", count: 40)).example")
        #expect(fits.firstLabel.utf8.count <= 63)
    }
}
