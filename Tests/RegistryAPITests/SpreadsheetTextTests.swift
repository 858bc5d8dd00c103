import RegistryAPI
import Testing

@Suite("Text for a spreadsheet") struct SpreadsheetTextTests {
    @Test(arguments: [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("'=1", "''=1"), ("''@", "'''@"),
        ("=\u{301}x", "'=\u{301}x"), ("\r\n=", "'\r\n="),
        ("acme", "acme"), ("'acme", "'acme"), ("a=1", "a=1"), ("", ""), ("'", "'"), (" =1", " =1"),
    ])
    func `is no formula, and comes back as it was`(text: String, inert: String) {
        #expect(Array(SpreadsheetText.inert(text).utf8) == Array(inert.utf8))
        #expect(Array(SpreadsheetText.original(inert).utf8) == Array(text.utf8))
    }
}
