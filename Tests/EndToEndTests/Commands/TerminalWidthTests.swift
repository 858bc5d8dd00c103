import Testing

@testable import TenantRegistry

@Suite("The columns of a terminal that a text takes") struct TerminalWidthTests {
    @Test(arguments: [
        ("", 0), ("acme", 4), ("日本語", 6), ("ﾃﾅﾝﾄ", 4), ("Ｗｉｄｅ", 8), ("한국어", 6), ("中文 a", 6),
        ("é", 1), ("e\u{301}", 1), ("\u{1112}\u{1161}\u{11AB}", 2), ("ガ", 2), ("カ\u{3099}", 2),
        ("กำ", 2), ("Ünïcödé", 7), ("→…", 2), ("🍣", 2), ("👩‍💻", 2), ("👍🏽", 2), ("🇯🇵", 2),
        ("❤️", 2), ("𠮷", 2), ("a\u{20DD}", 1), ("שלום", 4),
    ])
    func `are two for wide characters, and none for marks`(text: String, width: Int) {
        #expect(TerminalWidth.of(text) == width)
    }

    @Test func `are what a table is aligned by`() {
        var written = ""
        var listing = PagedListing(["name", "tenant", "mode"], .table) { written += $0 }
        listing.add([.text("a"), .text("株式会社"), .text("serve")])
        listing.add([.text("b"), .text("cafe\u{301}"), .text("reject")])
        listing.finish()
        #expect(
            written == """
                NAME  TENANT    MODE
                a     株式会社  serve
                b     cafe\u{301}      reject

                """)
        #expect(Listing.line(["株式会社", "x"], [8, 1]) == "株式会社  x\n")
    }
}
