import Crypto
import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel
import RoutingTable

/// The table on the disk: what an agent starts from where the registry can't be reached.
///
/// The file is a snapshot as the registry sends it, then one line with the time at which the table was
/// known to be the registry's own, and one with the SHA-256 of everything before it:
///
///     {"epoch":…,"revision":…,"count":…,"digest":…,"locations":[…]}
///     {"fqdn":…}
///     {"current_at":"2020-06-21T00:00:00.000Z"}
///     sha256:…
///
/// `head -n -1 snapshot | sha256sum` says the same.
enum StateFile {
    static func write(
        _ copy: PackedTable, currentAt: Timestamp, to file: URL
    ) throws(FileFailure) {
        let output = try DurableFile(file.path, .fixed(0o600), isDigested: true)
        var writer = JSONWriter(reservingCapacity: 1024)
        let position = copy.position
        writer.write(
            SnapshotHeader(
                epoch: position.epoch, revision: position.revision, count: copy.count,
                digest: copy.summary.digest.description,
                locations: copy.summary.locations.map {
                    .init(name: $0.name, upstream: $0.upstream)
                }
            ))
        try output.writeLine(&writer)
        try copy.forEach { row throws(FileFailure) in
            guard let domain = row.domain else { return }
            writer.writeDomain(row.name, domain)
            try output.writeLine(&writer)
        }
        writer.beginObject()
        writer.field("current_at", Cell(currentAt))
        writer.endObject()
        try output.writeLine(&writer)
        try output.write(writer.bytes)
        try output.flush()
        try output.write("\(DigestText.text(output.digest))\n".utf8)
        try output.keep()
    }

    /// What its first line says, which nobody has checked; nil: there's no such file.
    static func position(of file: URL) -> Position? {
        guard let descriptor = try? FileChunks.opened(file.path) else { return nil }
        defer { close(descriptor) }
        var line = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &line, line.count, 0)
        guard count > 0, let end = line[..<count].firstIndex(of: 0x0A),
            let header = try? SnapshotHeader(parsing: Array(line[..<end]))
        else { return nil }
        return Position(epoch: header.epoch, revision: header.revision)
    }

    struct Contents {
        var facts: SnapshotFacts
        /// When the table was known to be the registry's own.
        var currentAt: Timestamp
    }

    /// Reads a file into `load`, which isn't finished by this.
    ///
    /// - Returns: nil where there's no file.
    /// - Throws: `corrupt` for a file with a single byte that isn't as it was written.
    static func read(
        _ file: URL, into load: any TableLoad
    ) throws(SnapshotRefusal) -> Contents? {
        let path = file.path
        do {
            let file = try FileChunks.opened(path)
            defer { close(file) }
            return try read(file, path, length: checkedLength(file, path), into: load)
        } catch let error as SnapshotRefusal {
            throw error
        } catch let error as FeedFormatError {
            throw .corrupt(error.description)
        } catch {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            throw .corrupt("it can't be read: \(error)")
        }
    }

    /// - Parameter length: of what the checksum vouches for.
    private static func read(
        _ file: Int32, _ path: String, length: Int, into load: any TableLoad
    ) throws -> Contents {
        var reading = SnapshotReader(load)
        var domains = SnapshotLines()
        var line: [UInt8] = []
        // The last one is the time.
        var (last, isFirst): ([UInt8]?, Bool) = (nil, true)
        try FileChunks.read(file, path, first: length) { piece in
            var rest = piece
            while let end = rest.takeLine(into: &line) {
                guard end else { break }
                if let last {
                    if isFirst {
                        reading.begin(try SnapshotHeader(parsing: last))
                    } else {
                        try reading.add(try domains.domain(last))
                    }
                    isFirst = false
                }
                last = line
                line.removeAll(keepingCapacity: true)
            }
        }
        guard let last, let currentAt = time(last) else {
            throw SnapshotRefusal.corrupt("it has no time")
        }
        return Contents(facts: try reading.finish(), currentAt: currentAt)
    }

    /// Bytes before the last line, where that one vouches for them.
    private static func checkedLength(_ file: Int32, _ path: String) throws -> Int {
        let suffix = DigestText.text(Array(repeating: 0, count: 32)).utf8.count + 1
        let length = Int(lseek(file, 0, SEEK_END)) - suffix
        var said = [UInt8](repeating: 0, count: suffix)
        guard length > 0, pread(file, &said, suffix, off_t(length)) == suffix, said.last == 0x0A
        else { throw SnapshotRefusal.corrupt("it's cut off") }
        var hash = SHA256()
        try FileChunks.read(file, path, first: length) { hash.update(bufferPointer: $0) }
        guard DigestText.text(Array(hash.finalize())).utf8.elementsEqual(said.dropLast()) else {
            throw SnapshotRefusal.corrupt("its checksum isn't that of its contents")
        }
        return length
    }

    private static func time(_ line: [UInt8]) -> Timestamp? {
        guard let document = try? JSONDocument(parsing: line) else { return nil }
        var object = JSONObjectReader(document)
        return object.text("current_at").flatMap { Timestamp(rfc3339: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Takes the first line off, into `line`, which may have its beginning.
    /// - Returns: whether its end was there; nil where nothing is left.
    fileprivate mutating func takeLine(into line: inout [UInt8]) -> Bool? {
        guard let start = baseAddress, count > 0 else { return nil }
        let end = memchr(start, 0x0A, count).map { UnsafeRawPointer($0) - start }
        line.append(contentsOf: self[..<(end ?? count)])
        self = UnsafeRawBufferPointer(rebasing: self[(end.map { $0 + 1 } ?? count)...])
        return end != nil
    }
}

extension DurableFile {
    /// What the writer has, as a line, and empties it.
    fileprivate func writeLine(_ writer: inout JSONWriter) throws(FileFailure) {
        writer.endLine()
        guard writer.count >= 1 << 15 else { return }
        try write(writer.bytes)
        writer.clear()
    }
}
