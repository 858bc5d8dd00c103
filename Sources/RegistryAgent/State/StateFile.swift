import Crypto
import Foundation
import RegistryModel
import RegistryWire
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
        _ copy: TableCopy, currentAt: Timestamp, to file: URL
    ) throws(FileFailure) {
        let output = try WholeFile(file.path, mode: 0o600)
        var writer = JSONWriter(reservingCapacity: 1024)
        let position = copy.position
        writer.write(
            SnapshotHeader(
                epoch: position.epoch, revision: position.revision, count: copy.rows.count,
                digest: copy.summary.digest.description,
                locations: copy.summary.locations.map {
                    .init(name: $0.name, upstream: $0.upstream)
                }
            ))
        try output.writeLine(&writer)
        for row in copy.rows {
            copy.withTexts(of: row) { name, tenant in
                writer.writeDomain(
                    name, at: copy.place(of: row).name, row.mode, tenant: tenant, row.revision,
                    registeredAt: row.registeredAt, changedAt: row.changedAt)
            }
            try output.writeLine(&writer)
        }
        writer.beginObject()
        writer.field("current_at", currentAt.description)
        writer.endObject()
        try output.writeLine(&writer)
        try output.flush()
        try output.write("\(DigestText.text(output.digest))\n".utf8)
        try output.keep()
    }

    struct Contents {
        var facts: SnapshotFacts
        /// When the table was known to be the registry's own.
        var currentAt: Timestamp
    }

    /// Reads a file into `load`, which isn't finished by this.
    ///
    /// - Returns: nil where there's no file.
    /// - Throws: `corrupt` for a file with a single octet that isn't as it was written.
    static func read(
        _ file: URL, into load: any TableLoad
    ) throws(SnapshotRefusal) -> Contents? {
        guard let octets = try contents(file) else { return nil }
        // Swift's typed throws don't go through the closure; a Result does.
        return try octets.withUnsafeBytes { octets in
            Result { () throws(SnapshotRefusal) in try read(checked(octets), into: load) }
        }.get()
    }

    private static func read(
        _ octets: UnsafeRawBufferPointer, into load: any TableLoad
    ) throws(SnapshotRefusal) -> Contents {
        var reading = SnapshotReading(load)
        var currentAt: Timestamp?
        var rest = octets
        var isFirst = true
        while let line = rest.takeLine() {
            if rest.isEmpty {
                currentAt = time(line)
            } else if isFirst {
                try corrupt { () throws(FeedFormatError) in
                    reading.begin(try SnapshotHeader(parsing: line))
                }
                isFirst = false
            } else {
                try corrupt { () throws(FeedFormatError) in
                    try reading.add(try Domain(snapshotLine: line))
                }
            }
        }
        guard let currentAt else { throw .corrupt("it has no time") }
        return Contents(facts: try reading.finish(), currentAt: currentAt)
    }

    private static func corrupt(
        _ body: () throws(FeedFormatError) -> Void
    ) throws(SnapshotRefusal) {
        do throws(FeedFormatError) {
            try body()
        } catch {
            throw .corrupt(error.description)
        }
    }

    private static func contents(_ file: URL) throws(SnapshotRefusal) -> Data? {
        do {
            return try Data(contentsOf: file, options: .alwaysMapped)
        } catch CocoaError.fileReadNoSuchFile {
            return nil
        } catch {
            guard FileManager.default.fileExists(atPath: file.path) else { return nil }
            throw .corrupt("\(file.path) can't be read: \(error)")
        }
    }

    /// Everything before the last line, where that one vouches for it.
    private static func checked(
        _ octets: UnsafeRawBufferPointer
    ) throws(SnapshotRefusal) -> UnsafeRawBufferPointer {
        let length = DigestText.text(Array(repeating: 0, count: 32)).utf8.count + 1
        guard octets.count > length, octets.last == 0x0A else { throw .corrupt("it's cut off") }
        let body = UnsafeRawBufferPointer(rebasing: octets.dropLast(length))
        let said = String(decoding: octets.suffix(length).dropLast(), as: UTF8.self)
        var hash = SHA256()
        hash.update(bufferPointer: body)
        guard DigestText.text(Array(hash.finalize())) == said else {
            throw .corrupt("its checksum isn't that of its contents")
        }
        return body
    }

    private static func time(_ line: UnsafeRawBufferPointer) -> Timestamp? {
        guard case .object(let members)? = try? JSONValue(parsing: line),
            let member = members.first(where: { $0.key == "current_at" }),
            case .string(let text) = member.value
        else { return nil }
        return Timestamp(rfc3339: text)
    }
}

extension UnsafeRawBufferPointer {
    /// The first line, without its end, which is taken off too; nil where there is none that is whole.
    fileprivate mutating func takeLine() -> UnsafeRawBufferPointer? {
        guard let start = baseAddress, let end = memchr(start, 0x0A, count) else { return nil }
        let length = UnsafeRawPointer(end) - start
        let line = UnsafeRawBufferPointer(start: start, count: length)
        self = UnsafeRawBufferPointer(start: start + length + 1, count: count - length - 1)
        return line
    }
}

extension WholeFile {
    /// What the writer has, as a line, and empties it.
    fileprivate func writeLine(_ writer: inout JSONWriter) throws(FileFailure) {
        try write(writer.bytes)
        try write(CollectionOfOne(0x0A))
        writer.clear()
    }
}
