import CTenantRoutes
import Foundation
import RegistryModel
import RoutingTable
import TableSamples
import Testing

@testable import SharedRoutes

@Suite("Large pages") struct LargePagesTests {
    /// What the kernel says of this process's mappings of a file, in kB, of what large pages show.
    private static func inLargePages(_ path: String) throws -> [Int] {
        var sizes: [Int] = []
        var isFile = false
        // The file has no size, and comes in pieces.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if words[0].contains("-"), !words[0].hasSuffix(":") {
                isFile = line.hasSuffix(path)
            } else if isFile, words[0] == "ShmemPmdMapped:" {
                sizes.append(try #require(Int(words[1])))
            }
        }
        return sizes
    }

    /// Whether this kernel has large pages to give for a file in memory: asked without a line of ours.
    private static let canBe: Bool = {
        let path = "/dev/shm/large-pages-\(UUID().uuidString)"
        let size = 4 << 20
        let file = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard file >= 0 else { return false }
        defer {
            close(file)
            unlink(path)
        }
        // 25 is MADV_COLLAPSE. Room for an address that fits.
        let page = 2 << 20
        let room = mmap(nil, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard ftruncate(file, off_t(size)) == 0, let room else { return false }
        defer { munmap(room, size + page) }
        let start = UnsafeMutableRawPointer(
            bitPattern: (Int(bitPattern: room) + page - 1) / page * page)
        guard
            mmap(start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == start,
            let start
        else { return false }
        memset(start, 1, size)
        return madvise(start, size, 25) == 0
    }()

    @Test(.enabled(if: canBe)) func `hold a table in memory, for its writer and its readers`()
        throws
    {
        let folder = "/dev/shm/routes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/routes"
        let names = 200_000
        let place = LocationName(canonical: "japan")
        let writer = try RoutesWriter(path: path)
        try writer.replace(at: at(1), for: (names: names, nameBytes: names * 20, locations: [nil]))
        { filling in
            filling.add(place, upstream: nil)
            for number in 0..<names {
                var name = "t\(number + 1_000_000).kintone.com"
                name.withUTF8 {
                    filling.add(UnsafeRawBufferPointer($0), place, .serve, revision: Revision(1))
                }
            }
        }
        let reader = try RoutesReader(path: path)
        for number in 0..<names where number % 7 == 0 {
            try #require(reader.find("t\(number + 1_000_000).kintone.com") != .unknown)
        }
        let size = writer.bytes >> 10
        let sizes = try withExtendedLifetime((writer, reader)) { try Self.inLargePages(path) }
        // Two mappings; what's less than a large page at the end can't be in one.
        #expect(sizes.count == 2)
        for each in sizes {
            #expect(each > size - 2 * 2_048 && each <= size, "\(sizes) of \(size) kB")
        }
    }
}
