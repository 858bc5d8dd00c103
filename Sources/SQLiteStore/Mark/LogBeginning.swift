import Foundation

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
