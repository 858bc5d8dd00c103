import RegistryAPI
import Testing

@Suite("Printable text") struct PrintableTextTests {
    @Test(arguments: [
        ("", ""), ("acme.kintone.com (invalid-fqdn)", "acme.kintone.com (invalid-fqdn)"),
        ("Ünïcode 日本語 🇯🇵", "Ünïcode 日本語 🇯🇵"), ("a\nb\r\nc\td", "a b  c d"),
        ("\u{1B}[2J", "\\u001b[2J"), ("\u{0}\u{7}\u{8}\u{7F}", "\\u0000\\u0007\\u0008\\u007f"),
        ("\u{9B}31m\u{85}", "\\u009b31m\\u0085"),
        ("\u{202E}\u{2066}\u{2069}\u{200F}", "\\u202e\\u2066\\u2069\\u200f"),
        ("\u{2028}\u{2029}", "\\u2028\\u2029"), ("\u{FEFF}\u{AD}", "\\ufeff\\u00ad"),
        ("\u{E0041}", "\\udb40\\udc41"), ("e\u{301}", "e\u{301}"),
    ])
    func `of a line steers nothing`(text: String, expected: String) {
        #expect(Array(PrintableText.line(text).utf8) == Array(expected.utf8))
    }

    @Test(arguments: [
        ("a\nb\tc\n", "a\nb\tc\n"), ("a\r\nb\r\n", "a\nb\n"), ("ab\rX", "ab\\u000dX"),
        ("\u{1B}]0;title\u{7}\n", "\\u001b]0;title\\u0007\n"),
    ])
    func `of lines keeps them`(text: String, expected: String) {
        #expect(Array(PrintableText.lines(text).utf8) == Array(expected.utf8))
    }

    @Test func `of JSON is the same JSON`() throws {
        let original = JSONValue.object([
            .init(key: "a\u{9B}", value: .string("\u{202E}x\u{E0041}\u{7F}\"\\"))
        ])
        var writer = JSONWriter()
        writer.write(original)
        let shown = PrintableText.lines(String(decoding: writer.bytes, as: UTF8.self))
        #expect(shown.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        #expect(try JSONValue(parsing: Array(shown.utf8)) == original)
    }
}

@Suite("Masked text") struct MaskedTextTests {
    @Test(arguments: [
        ("trk_abc_0123", "trk_abc_***"), ("x trk_a_b, trk_c_d-e_f.", "x trk_a_***, trk_c_***"),
        (
            #"invalidHeaderFieldValues(["Bearer trk_abc_01\n23"])"#,
            #"invalidHeaderFieldValues(["Bearer ***"])"#
        ),
        (#"["Bearer 0123456789abcdef"]"#, #"["Bearer ***"]"#),
        ("at https://user:pass@host/x: no", "at https://***@host/x: no"),
        ("postgres://u:p@h:1/d postgres://v:q@i", "postgres://***@h:1/d postgres://***@i"),
        ("Authorization: Bearer trk_…", "Authorization: Bearer trk_…"),
        (
            "mail a@example.com about trk_ and token_secret",
            "mail a@example.com about trk_ and token_secret"
        ),
        ("plain", "plain"), ("", ""),
    ])
    func `holds no secret`(text: String, expected: String) {
        #expect(MaskedText.mask(text) == expected)
    }
}
