import Foundation
import NIOCore
import RegistryModel

/// Puts the responses of the fast path together, byte by byte what the router makes of the same request.
struct ResponseParts: Sendable {
    private let settings: LookupSettings
    /// Bytes of the longest answer, without its body: everything that is in it has a limit.
    private let longest: Int

    init(_ options: HTTPOptions) {
        settings = LookupSettings(options)
        longest = 4096 + settings.cacheControl.utf8.count
    }

    /// The answer, with the scratch's JSON where it has a body.
    func write(_ response: LookupResponse, _ request: FastPathRequest, _ scratch: EventLoopScratch)
    {
        let length = response.hasBody ? scratch.json.count : 0
        scratch.answers.writeWithUnsafeMutableBytes(minimumWritableBytes: longest + length) {
            memory in
            var cursor = ByteCursor(memory)
            cursor.write(response.status.line)
            response.print(settings, to: &cursor)
            // RFC 9110 §8.6: 304 carries no length of its own.
            end(
                &cursor, request, response.position, scratch,
                length: response.status == .notModified ? nil : length)
            if response.hasBody, !request.line.isHead {
                scratch.json.withBytes { cursor.write($0) }
            }
            return cursor.count
        }
    }

    /// What every answer has, and the end of its head.
    private func end(
        _ cursor: inout ByteCursor, _ request: FastPathRequest, _ position: Position,
        _ scratch: EventLoopScratch,
        length: Int?
    ) {
        cursor.write("\r\nX-Request-ID: ")
        cursor.write(scratch.requestIDBytes)
        cursor.write("\r\nX-Registry-Revision: ")
        cursor.write(position.epoch.text)
        cursor.write(".")
        cursor.write(decimal: position.revision.number)
        if let length {
            cursor.write("\r\nContent-Length: ")
            cursor.write(decimal: Int64(length))
        }
        cursor.write("\r\nDate: ")
        scratch.date.update()
        cursor.write(scratch.date.bytes)
        cursor.write(request.isLast ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
    }
}

/// Writes bytes one after another into memory that was set aside, and stops the program rather than
/// write beyond it.
struct ByteCursor {
    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes written.
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    mutating func write(_ text: StaticString) {
        take(text.utf8CodeUnitCount).copyMemory(
            from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    mutating func write(decimal number: Int64) {
        // The longest has twenty bytes.
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = number.magnitude
            var start = 20
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start &-= 1
                digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            if number < 0 {
                start &-= 1
                digits[start] = UInt8(ascii: "-")
            }
            write(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func take(_ length: Int) -> UnsafeMutableRawPointer {
        precondition(memory.count &- count >= length, "an answer is longer than its memory")
        defer { count &+= length }
        return memory.baseAddress.unsafelyUnwrapped + count
    }
}

/// The `Date` field (RFC 9110 §6.6.1), written once a second.
struct DateField {
    private var second = Int.min
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private(set) var bytes: [UInt8] = []

    /// Brings `bytes` up to date.
    mutating func update() {
        var time = timespec()
        // A few milliseconds late at most, and a third of the price.
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        guard time.tv_sec != second else { return }
        second = time.tv_sec
        bytes = Array(Self.text(second).utf8)
    }

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ second: Int) -> String {
        let day = second / 86_400
        let date = CivilDate(daysSince1970: day)
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        let time = [second / 3600 % 24, second / 60 % 60, second % 60].map(two).joined(
            separator: ":")
        return
            "\(days[day % 7]), \(two(date.day)) \(months[date.month - 1]) \(date.year) \(time) GMT"
    }
}
