import Crypto
import DurableFiles
import Foundation

/// What a new map has otherwise than the one before it, where that's little enough to be said line by line.
struct MapDifference: Sendable, Equatable {
    enum Change: Sendable, Equatable {
        case added(name: String, value: String)
        case set(name: String, value: String)
        case removed(name: String)
    }

    var changes: [Change] = []
    /// Lines of the old map, and of the new one.
    var oldCount = 0
    var newCount = 0
}

/// Holds the lines of a new map against those of the file that it will replace, both by name.
final class MapComparison {
    /// HAProxy looks at every entry for each change (before 2.8): from some fifty on a whole map is cheaper.
    static let limit = 32

    private let old: MapLineReader
    private let digest: [UInt8]
    private var found = MapDifference()

    /// - Parameter digest: of the old file, as it was written: nobody knows what other lines a proxy has.
    init(_ path: String, digest: [UInt8]) throws(FileFailure) {
        old = try MapLineReader(path)
        self.digest = digest
    }

    /// - Parameter lines: whole ones, `host value`, each with its line break.
    func take(_ lines: [UInt8]) {
        guard !isLarge else { return }
        lines.withUnsafeBytes { lines in
            var rest = lines[...]
            while let end = rest.firstIndex(of: 0x0A) {
                take(UnsafeRawBufferPointer(rebasing: rest[...end]))
                rest = rest[(end + 1)...]
            }
        }
    }

    private func take(_ new: UnsafeRawBufferPointer) {
        found.newCount += 1
        while !isLarge, let known = old.line() {
            if known.count == new.count,
                memcmp(known.baseAddress!, new.baseAddress!, new.count) == 0
            {
                return advance()
            }
            let (name, knownName) = (Self.name(in: new), Self.name(in: known))
            if name.elementsEqual(knownName) {
                found.changes.append(.set(name: Self.text(name), value: Self.value(in: new)))
                return advance()
            }
            guard knownName.lexicographicallyPrecedes(name) else { break }
            found.changes.append(.removed(name: Self.text(knownName)))
            advance()
        }
        found.changes.append(
            .added(name: Self.text(Self.name(in: new)), value: Self.value(in: new)))
    }

    /// - Returns: nil where there are too many changes, or the old file isn't as it was written.
    func end() -> MapDifference? {
        while !isLarge, let line = old.line() {
            found.changes.append(.removed(name: Self.text(Self.name(in: line))))
            advance()
        }
        return !isLarge && old.digest == digest ? found : nil
    }

    private var isLarge: Bool { found.changes.count > Self.limit }

    private func advance() {
        old.advance()
        found.oldCount += 1
    }

    private static func name(in line: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        line.prefix { $0 != 0x20 }
    }

    private static func value(in line: UnsafeRawBufferPointer) -> String {
        text(line.dropFirst(name(in: line).count + 1)).trimmed
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}

/// Reads a file line by line.
private final class MapLineReader {
    private let file: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 1)
    private var unread = 0..<0
    private var lineEnd: Int?
    private var hash = SHA256()

    init(_ path: String) throws(FileFailure) {
        file = try FileChunks.opened(path)
    }

    deinit {
        close(file)
        buffer.deallocate()
    }

    /// Of everything that was read.
    var digest: [UInt8] { Array(hash.finalize()) }

    /// The line that's next, with its line break; good until `advance`. Nil where there's none, none that fits, or
    /// the file can't be read: then the digest is another one.
    func line() -> UnsafeRawBufferPointer? {
        if let lineEnd {
            return UnsafeRawBufferPointer(rebasing: buffer[unread.lowerBound..<lineEnd])
        }
        while true {
            if let found = memchr(buffer.baseAddress! + unread.lowerBound, 0x0A, unread.count) {
                let end = UnsafeRawPointer(found) - UnsafeRawPointer(buffer.baseAddress!) + 1
                lineEnd = end
                return UnsafeRawBufferPointer(rebasing: buffer[unread.lowerBound..<end])
            }
            guard readMore() else { return nil }
        }
    }

    func advance() {
        if let lineEnd { unread = lineEnd..<unread.upperBound }
        lineEnd = nil
    }

    private func readMore() -> Bool {
        memmove(buffer.baseAddress!, buffer.baseAddress! + unread.lowerBound, unread.count)
        unread = 0..<unread.count
        let count = read(file, buffer.baseAddress! + unread.count, buffer.count - unread.count)
        guard count > 0 else { return false }
        hash.update(
            bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[unread.count...].prefix(count)))
        unread = 0..<unread.count + count
        return true
    }
}
