import DurableFiles
import Foundation
import RegistryLedger
import RegistryModel
import Testing

@Suite("A store's mark") struct StoreMarkTests {
    private static func head(
        _ revision: Int64, epoch: String = "abcdefghijkm", digest: UInt8 = 7
    ) -> Head {
        Head(
            epoch: Epoch(epoch), revision: Revision(revision),
            digest: revision == 0
                ? RevisionDigest.genesis : Array(repeating: digest, count: 32),
            at: Timestamp(milliseconds: 5))
    }

    @Test(arguments: [0, 1, 48_211, Int64.max])
    func `is a line of one length, and is read back`(revision: Int64) {
        for epoch in ["e", "abcdefghijkm", String(repeating: "x", count: 64)] {
            let mark = StoreMark(
                Self.head(revision, epoch: epoch), base: Revision(revision / 2))
            #expect(mark.line.count == StoreMark.lineLength)
            #expect(mark.line.firstIndex(of: 0x0A) == StoreMark.lineLength - 1)
            #expect(StoreMark(line: mark.line) == mark)
        }
    }

    @Test func `isn't read where any byte of it is another one`() {
        let line = StoreMark(Self.head(48_211)).line
        for place in line.indices {
            for change: UInt8 in [1, 0x20, 0x80] {
                var other = line
                other[place] ^= change
                #expect(StoreMark(line: other) == nil, "byte \(place)")
            }
            #expect(StoreMark(line: Array(line[..<place])) == nil)
        }
        #expect(StoreMark(line: line + [0x0A]) == nil)
        #expect(StoreMark(line: Array(repeating: 0, count: line.count)) == nil)
    }

    /// Head of the log, its digest at revision 5, and what is said of it.
    @Test func `fits the log that was marked, at its revision and beyond`() {
        let mark = StoreMark(Self.head(5))
        let seven = Self.head(5).digest
        let eight = Self.head(5, digest: 8).digest
        #expect(mark.mismatch(with: Self.head(5), logged: seven) == nil)
        #expect(mark.mismatch(with: Self.head(9, digest: 8), logged: seven) == nil)
        #expect(mark.mismatch(with: Self.head(4), logged: nil) == .rewound)
        #expect(mark.mismatch(with: Self.head(0), logged: nil) == .rewound)
        #expect(mark.mismatch(with: Self.head(5, digest: 8), logged: seven) == .otherDigest)
        #expect(mark.mismatch(with: Self.head(9), logged: eight) == .otherDigest)
        #expect(mark.mismatch(with: Self.head(9), logged: nil) == .notLogged)
        for revision: Int64 in [4, 5, 9] {
            let other = Self.head(revision, epoch: "another")
            #expect(mark.mismatch(with: other, logged: seven) == .otherEpoch)
        }
        #expect(StoreMark(Self.head(0)).mismatch(with: Self.head(3), logged: nil) == nil)
    }

    @Test func `is in its file at once, for its owner alone, and after the end`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("store-mark")
        #expect(try StoreMarkFile.read(path) == .none)
        let file = try StoreMarkFile(StoreMark(Self.head(1)), at: path)
        #expect(try StoreMarkFile.read(path) == .mark(StoreMark(Self.head(1))))
        for revision: Int64 in 2...50 {
            try file.advance(to: StoreMark(Self.head(revision)))
            #expect(try StoreMarkFile.read(path) == .mark(StoreMark(Self.head(revision))))
        }
        var found = stat()
        #expect(stat(path, &found) == 0 && found.st_mode & 0o777 == 0o600)
        // Somebody took it away meanwhile: it's there again when the store is closed.
        #expect(unlink(path) == 0)
        try file.close()
        #expect(try StoreMarkFile.read(path) == .mark(StoreMark(Self.head(50))))
        #expect(throws: FileFailure.self) { try file.advance(to: StoreMark(Self.head(51))) }
        try StoreMarkFile.remove(path)
        try StoreMarkFile.remove(path)
        #expect(try StoreMarkFile.read(path) == .none)
    }

    @Test func `isn't guessed from what isn't one`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("mark")
        _ = try StoreMarkFile(StoreMark(Self.head(1)), at: path)
        let link = folder.path("link")
        #expect(symlink(path, link) == 0)
        #expect(try StoreMarkFile.read(link) == .damaged)
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(try StoreMarkFile.read(pipe) == .damaged)
        #expect(try StoreMarkFile.read(folder.url.path) == .damaged)
        for other in [link, pipe] {
            _ = try StoreMarkFile(StoreMark(Self.head(9)), at: other)
            #expect(try StoreMarkFile.read(other) == .mark(StoreMark(Self.head(9))))
        }
        #expect(try StoreMarkFile.read(path) == .mark(StoreMark(Self.head(1))))
        #expect(truncate(path, 0) == 0)
        #expect(try StoreMarkFile.read(path) == .damaged)
    }
}

private final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("store-mark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}
