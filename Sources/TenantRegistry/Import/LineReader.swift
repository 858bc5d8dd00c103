import Foundation

/// The lines of a file, one at a time, numbered from 1, without their line breaks (LF or CRLF) and
/// the byte order mark with which some editors begin a file.
struct LineReader {
    private let file: FileHandle
    private var buffer: [UInt8] = []
    private var start = 0
    private var number = 0
    private var isAtEnd = false
    private(set) var bytesRead = 0
    /// Whether the file began with a byte order mark, as those for spreadsheets do.
    private(set) var hadMark = false

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    private static let chunk = 256 * 1024

    init(_ file: FileHandle) {
        self.file = file
    }

    mutating func next() throws -> (number: Int, text: String)? {
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return line(buffer[start..<end])
            }
            guard !isAtEnd else {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return line(buffer[start...])
            }
            try fill()
        }
    }

    private mutating func line(_ bytes: ArraySlice<UInt8>) -> (Int, String) {
        number += 1
        var text = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        if number == 1, text.starts(with: Self.byteOrderMark) {
            text = text.dropFirst(3)
            hadMark = true
        }
        // What isn't UTF-8 becomes U+FFFD, and `RowReader` refuses rows that hold one.
        return (number, String(decoding: text, as: UTF8.self))
    }

    private mutating func fill() throws {
        buffer.removeFirst(start)
        start = 0
        guard let data = try file.read(upToCount: Self.chunk), !data.isEmpty else {
            isAtEnd = true
            return
        }
        buffer.append(contentsOf: data)
        bytesRead += data.count
    }
}
