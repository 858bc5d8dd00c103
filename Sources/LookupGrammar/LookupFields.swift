/// The header fields of a lookup, read where they lie: where those stand that count.
///
/// Each line is `name ":" value CRLF`, the name a token with nothing before the colon, the value
/// without control characters but tabs. Fields that say how a message is framed, or that the
/// connection becomes something else, aren't read at all, nor is one that counts and comes twice: the
/// HTTP parser judges those. `Content-Length: 0`, which Envoy sends with every question, is what no body is.
public struct LookupFields: Equatable, Sendable {
    /// Places of values, without the space around them; nil where the field isn't there.
    public var host: Range<Int>
    public var authorization: Range<Int>?
    public var accept: Range<Int>?
    public var ifNoneMatch: Range<Int>?
    public var forwardedHost: Range<Int>?
    public var requestID: Range<Int>?
    public var traceparent: Range<Int>?
    /// Whether the client says `Connection: close`.
    public var closes = false
    /// From the first field to the end of the empty line.
    public var length: Int

    public static let maximumLength = 8192
    public static let maximumCount = 64

    /// - Parameter bytes: from the first field on.
    /// - Returns: nil where the fields aren't all there, or aren't of this form.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        var fields = Partial()
        var place = 0
        var count = 0
        while true {
            if bytes.holds("\r\n", at: place) {
                place &+= 2
                break
            }
            guard count < Self.maximumCount, place <= Self.maximumLength,
                let line = FieldLine(bytes, from: place),
                fields.take(bytes, line)
            else { return nil }
            place = line.end
            count &+= 1
        }
        guard let host = fields.host, place <= Self.maximumLength else { return nil }
        self.host = host
        authorization = fields.authorization
        accept = fields.accept
        ifNoneMatch = fields.ifNoneMatch
        forwardedHost = fields.forwardedHost
        requestID = fields.requestID
        traceparent = fields.traceparent
        closes = fields.connection.map { !bytes.equals("keep-alive", anyCase: $0) } ?? false
        length = place
    }
}

/// The fields seen so far.
private struct Partial {
    var host: Range<Int>?
    var authorization: Range<Int>?
    var accept: Range<Int>?
    var ifNoneMatch: Range<Int>?
    var forwardedHost: Range<Int>?
    var requestID: Range<Int>?
    var traceparent: Range<Int>?
    var connection: Range<Int>?
    var contentLength: Range<Int>?

    /// - Returns: false for a field that isn't ours to judge.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ line: FieldLine) -> Bool {
        let named = { (name: StaticString) in bytes.equals(name, anyCase: line.name) }
        switch line.name.count {
        case 4 where named("host"): return Self.set(&host, line)
        case 6 where named("accept"): return Self.set(&accept, line)
        case 6 where named("expect"): return false
        case 7 where named("upgrade"): return false
        case 10 where named("connection"):
            let isKnown =
                bytes.equals("keep-alive", anyCase: line.value)
                || bytes.equals("close", anyCase: line.value)
            return isKnown && Self.set(&connection, line)
        case 11 where named("traceparent"): return Self.set(&traceparent, line)
        case 12 where named("x-request-id"): return Self.set(&requestID, line)
        case 13 where named("authorization"): return Self.set(&authorization, line)
        case 13 where named("if-none-match"): return Self.set(&ifNoneMatch, line)
        case 14 where named("content-length"):
            return bytes.equals("0", anyCase: line.value) && Self.set(&contentLength, line)
        case 16 where named("x-forwarded-host"): return Self.set(&forwardedHost, line)
        case 16 where named("proxy-connection"): return false
        case 17 where named("transfer-encoding"): return false
        default: return true
        }
    }

    private static func set(_ place: inout Range<Int>?, _ line: FieldLine) -> Bool {
        guard place == nil else { return false }
        place = line.value
        return true
    }
}

/// One `name: value`.
private struct FieldLine {
    var name: Range<Int>
    var value: Range<Int>
    /// After the line's end.
    var end: Int

    init?(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        let colon = bytes.end(of: .token, from: start)
        guard colon > start, colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else {
            return nil
        }
        name = start..<colon
        let valueEnd = bytes.endOfFieldValue(from: colon &+ 1)
        guard bytes.holds("\r\n", at: valueEnd) else { return nil }
        var first = colon &+ 1
        var last = valueEnd
        while first < last, Self.isSpace(bytes[first]) { first &+= 1 }
        while last > first, Self.isSpace(bytes[last &- 1]) { last &-= 1 }
        value = first..<last
        end = valueEnd &+ 2
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}

extension UnsafeRawBufferPointer {
    /// The first place from `start` on that no field's value can hold: a control character other
    /// than a tab. Most of a request is values: it looks at eight bytes at once.
    fileprivate func endOfFieldValue(from start: Int) -> Int {
        var place = start
        while true {
            while count &- place >= 8 {
                let word = loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
                let hits = Self.controls(in: word)
                if hits != 0 {
                    place &+= hits.trailingZeroBitCount &>> 3
                    break
                }
                place &+= 8
            }
            while place < count, self[place] >= 0x20, self[place] != 0x7F { place &+= 1 }
            guard place < count, self[place] == UInt8(ascii: "\t") else { return place }
            place &+= 1
        }
    }

    /// The lowest bit that is set is the highest bit of the first control character. Those above it
    /// mean nothing, because the subtractions borrow from byte to byte.
    /// (S. E. Anderson, Bit Twiddling Hacks: "a byte less than n", "a zero byte".)
    private static func controls(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let low = (word &- ones &* 0x20) & ~word
        let delete = word ^ (ones &* 0x7F)
        return (low | (delete &- ones) & ~delete) & (ones &* 0x80)
    }
}
