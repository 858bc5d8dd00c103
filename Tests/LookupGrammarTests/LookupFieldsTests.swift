import LookupGrammar
import Testing

@Suite("A lookup's header fields") struct LookupFieldsTests {
    private static func read(_ text: String) -> LookupFields? {
        Array(text.utf8).withUnsafeBytes { LookupFields($0) }
    }

    private static func read(first length: Int, of text: String) -> LookupFields? {
        Array(text.utf8.prefix(length)).withUnsafeBytes { LookupFields($0) }
    }

    private static func value(_ text: String, _ place: (LookupFields) -> Range<Int>?) -> String? {
        read(text).flatMap(place).map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
    }

    @Test func `are found in any case of letters, without the space around them`() throws {
        let text = """
            hOST:h\r
            AUTHORIZATION: \t Bearer x \t\r
            Accept: */*\r
            If-None-Match: "1"\r
            X-Forwarded-Host: a.b\r
            x-request-id: 1\r
            Traceparent: 00\r
            X-Other: é\tx\r
            X-Empty:\r
            Connection: Keep-Alive\r
            \r
            rest
            """
        let fields = try #require(Self.read(text))
        #expect(fields.length == text.utf8.count - 4 && !fields.closes)
        #expect(Self.value(text, \.host) == "h")
        #expect(Self.value(text, \.authorization) == "Bearer x")
        #expect(Self.value(text, \.accept) == "*/*")
        #expect(Self.value(text, \.ifNoneMatch) == "\"1\"")
        #expect(Self.value(text, \.forwardedHost) == "a.b")
        #expect(Self.value(text, \.requestID) == "1")
        #expect(Self.value(text, \.traceparent) == "00")
    }

    @Test(arguments: ["Content-Length: 0", "content-length:0", "CONTENT-LENGTH: \t0 "])
    func `may say that there is no body`(field: String) {
        #expect(Self.read("Host: h\r\n\(field)\r\n\r\n") != nil)
    }

    @Test func `say whether the connection ends`() throws {
        #expect(try #require(Self.read("Host: h\r\nConnection: CLOSE\r\n\r\n")).closes)
        #expect(try #require(Self.read("Host: h\r\nConnection:keep-alive\r\n\r\n")).closes == false)
        #expect(try #require(Self.read("Host: h\r\n\r\n")).closes == false)
    }

    @Test(arguments: [
        "Content-Length: 00", "Content-Length: +0", "Content-Length:", "Content-Length: 0, 0",
        "Content-Length: 0\r\nContent-Length: 0", "content-length:3", "Transfer-Encoding: chunked",
        "Expect: x",
        "Upgrade: h2c",
        "Proxy-Connection: close", "Connection: close, x", "Connection: x", "Connection:",
        "Host: other", "X-A : b", " X-A: b", "X-A: b\r\n folded", "\tX-A: b", "no colon",
        ": no name",
        "X-A: b\nX-B: c", "X-A: b\rX-B: c", "X-A: b\u{0}", "X-A: b\u{7F}", "X-A: \u{1F}", "X é: b",
        "X(: b",
        "Accept: a\r\nAccept: b", "Authorization: a\r\nauthorization: a",
        "If-None-Match: a\r\nIf-None-Match: b",
        "X-Request-ID: a\r\nX-Request-ID: b", "traceparent: a\r\ntraceparent: b",
        "X-Forwarded-Host: a\r\nX-Forwarded-Host: b", "Connection: close\r\nConnection: close",
    ])
    func `aren't read where the parser has to judge`(field: String) {
        #expect(Self.read("Host: h\r\n\(field)\r\n\r\n") == nil)
        #expect(Self.read("\(field)\r\nHost: h\r\n\r\n") == nil)
    }

    @Test func `aren't read without a host, nor before they are whole, nor without end`() {
        #expect(
            Self.read("X: y\r\n\r\n") == nil && Self.read("\r\n") == nil && Self.read("") == nil)
        let text = "Host: h\r\nX-A: b c\r\n\r\n"
        for length in 0..<text.utf8.count { #expect(Self.read(first: length, of: text) == nil) }
        for (count, isRead) in [
            (LookupFields.maximumCount - 1, true), (LookupFields.maximumCount, false),
        ] {
            let many = String(repeating: "X: y\r\n", count: count)
            #expect((Self.read("Host: h\r\n\(many)\r\n") != nil) == isRead)
        }
        let long = String(repeating: "x", count: LookupFields.maximumLength)
        #expect(Self.read("Host: h\r\nX: \(long)\r\n\r\n") == nil)
    }

    /// Values are looked at eight bytes at a time: a control character is seen at each place.
    @Test func `hold no control character anywhere`() {
        for length in 1...20 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var value = [UInt8](repeating: UInt8(ascii: "v"), count: length)
                    value[place] = byte
                    let bytes = Array("Host: h\r\nX: ".utf8) + value + Array("\r\n\r\n".utf8)
                    let isRead = bytes.withUnsafeBytes { LookupFields($0) } != nil
                    #expect(isRead == (byte == 9 || byte >= 0x20 && byte != 0x7F))
                }
            }
        }
    }
}
