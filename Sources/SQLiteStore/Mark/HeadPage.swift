import Foundation
import RegistryModel

/// The head as it lies in the file, whatever the write-ahead log beside it says: SQLite itself only ever shows both
/// in one. While a checkpoint is under way it's an older one or a newer one, and whole.
struct HeadPage {
    let revision: Revision
    let digest: [UInt8]

    /// - Parameters:
    ///   - path: of the file.
    ///   - page: the number of the head's page.
    ///   - size: bytes of a page.
    /// - Returns: nil where nothing can be said: no head is there.
    init?(of path: String, page: Int, size: Int) {
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)) else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(file.fileDescriptor, &bytes, size, off_t((page - 1) * size)) == size else {
            // The file ends before that page: it has got no head yet.
            self.init(revision: .zero, digest: [])
            return
        }
        guard bytes.contains(where: { $0 != 0 }) else {
            // Nor here: a page beyond it came first.
            self.init(revision: .zero, digest: [])
            return
        }
        self.init(page: bytes)
    }

    private init(revision: Revision, digest: [UInt8]) {
        (self.revision, self.digest) = (revision, digest)
    }

    /// A leaf with one row: id, epoch, revision, digest, time.
    ///
    /// The format is SQLite's (fileformat2.html, 1.6 and 2.1): it's promised for as long as there are files of it.
    init?(page: [UInt8]) {
        guard page.count >= 512, page[0] == 0x0D, page[3] == 0, page[4] == 1 else { return nil }
        var reader = RecordReader(page, at: Int(page[8]) << 8 | Int(page[9]))
        guard reader.varint() != nil, reader.varint() != nil else { return nil }
        let start = reader.place
        guard let length = reader.varint(), length < 16 else { return nil }
        var types: [Int] = []
        while reader.place < start + length, let type = reader.varint() { types.append(type) }
        var values: [ArraySlice<UInt8>] = []
        for type in types {
            guard let size = RecordReader.size(of: type), let value = reader.take(size) else {
                return nil
            }
            values.append(value)
        }
        guard types.count == 5, (1...6).contains(types[2]) || [8, 9].contains(types[2]),
            values[3].count == 32
        else { return nil }
        let number = values[2].reduce(Int64(types[2] == 9 ? 1 : 0)) { $0 << 8 | Int64($1) }
        self.init(revision: Revision(number), digest: Array(values[3]))
    }
}

/// Goes through a record of SQLite's.
private struct RecordReader {
    private let page: [UInt8]
    private(set) var place: Int

    init(_ page: [UInt8], at place: Int) {
        (self.page, self.place) = (page, place)
    }

    mutating func varint() -> Int? {
        var value = 0
        // Longer ones are beyond what a head has.
        for _ in 0..<5 {
            guard place < page.count else { return nil }
            let byte = page[place]
            place += 1
            value = value << 7 | Int(byte & 0x7F)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard place + count <= page.count else { return nil }
        defer { place += count }
        return page[place..<place + count]
    }

    /// Bytes of a value.
    static func size(of type: Int) -> Int? {
        switch type {
        case 0, 8, 9: 0
        case 1...4: type
        case 5: 6
        case 6, 7: 8
        case 12...: (type - 12) / 2
        default: nil
        }
    }
}

/// Where the write-ahead log beside a file began: the head that its first commit of a revision wrote.
///
/// The file was complete up to some revision before that one when the log began anew, and an older file isn't the
/// log's own. Nothing else says so: SQLite shows the file and the log only in one.
///
/// The format is SQLite's (fileformat2.html, 4): it's promised for as long as there are files of it.
struct LogBeginning {
    let head: HeadPage

    private static let headerSize = 32
    private static let frameHeaderSize = 24
    /// The last digit says in which order the checksums' bytes are.
    private static let magic: UInt32 = 0x377F_0682

    /// Reads no further than to the end of that commit. What its checksums say isn't looked at: of a commit that isn't
    /// whole the head is beyond the one that SQLite shows.
    ///
    /// - Parameter page: the number of the head's page.
    /// - Returns: nil where no commit in the log has written a head.
    init?(of path: String, page: Int) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard let header = Self.read(file, Self.headerSize, at: 0),
            Self.number(header, 0) & ~1 == Self.magic
        else { return nil }
        // 65,536 is written as 1.
        let written = Int(Self.number(header, 8))
        let size = written == 1 ? 65_536 : written
        var place = Self.headerSize
        var found: Int?
        while let frame = Self.read(file, Self.frameHeaderSize, at: place),
            // Another salt: left from before the log began anew.
            frame[8..<16] == header[16..<24]
        {
            if Self.number(frame, 0) == UInt32(clamping: page) {
                found = place + Self.frameHeaderSize
            }
            if let found, Self.number(frame, 4) != 0 {
                guard let bytes = Self.read(file, size, at: found),
                    let head = HeadPage(page: bytes)
                else { return nil }
                self.head = head
                return
            }
            place += Self.frameHeaderSize + size
        }
        return nil
    }

    private static func read(_ file: Int32, _ count: Int, at place: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return pread(file, &bytes, count, off_t(place)) == count ? bytes : nil
    }

    private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
