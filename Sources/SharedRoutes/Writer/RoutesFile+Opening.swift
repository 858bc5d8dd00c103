import CTenantRoutes
import Foundation
import RegistryModel
import Synchronization

// How a file comes to be, is gone on with, or isn't.

extension RoutesFile {
    /// Makes an empty file, of which nobody knows yet.
    static func make(
        at path: String, for capacity: Capacity, epoch: Epoch, boot: String
    ) throws(SharedRoutesFailure) -> RoutesFile {
        let layout = Layout(capacity)
        unlink(path)
        let file = tr_system_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SharedRoutesFailure("can't be made", path) }
        defer { close(file) }
        // The process's mask may forbid what proxies need, who run as somebody else.
        fchmod(file, 0o644)
        let base: UnsafeMutableRawPointer
        do throws(SharedRoutesFailure) {
            base = try allocate(file, layout.size, path)
        } catch {
            unlink(path)
            throw error
        }
        func put(_ number: UInt64, _ field: Int) {
            base.storeBytes(of: number, toByteOffset: field, as: UInt64.self)
        }
        var random = SystemRandomNumberGenerator()
        put(RoutesFormat.magic, RoutesFormat.Field.magic)
        put(UInt64(RoutesFormat.version), RoutesFormat.Field.version)
        put(UInt64(layout.size), RoutesFormat.Field.fileSize)
        put(UInt64(layout.indexOffset), RoutesFormat.Field.indexOffset)
        put(UInt64(layout.indexCount), RoutesFormat.Field.indexCount)
        put(UInt64(layout.recordsOffset), RoutesFormat.Field.recordsOffset)
        put(UInt64(layout.recordsEnd), RoutesFormat.Field.recordsEnd)
        put(UInt64(layout.locationsOffset), RoutesFormat.Field.locationsOffset)
        put(UInt64(capacity.locations), RoutesFormat.Field.locationCapacity)
        put(UInt64(layout.textsOffset), RoutesFormat.Field.textsOffset)
        put(UInt64(layout.size), RoutesFormat.Field.textsEnd)
        put(random.next(), RoutesFormat.Field.firstSeed)
        put(random.next() | 1, RoutesFormat.Field.secondSeed)
        Self.put(epoch.text, at: RoutesFormat.Field.epoch, room: RoutesFormat.Field.epochSize, base)
        Self.put(boot, at: RoutesFormat.Field.boot, room: RoutesFormat.Field.bootSize, base)
        for sum in 0..<2 { put(.max, RoutesFormat.Field.sums + sum * RoutesFormat.sumSize) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw SharedRoutesFailure("can't be read", path) }
        return try opened(base, layout.size, status, path)
    }

    /// All of it is the file's from here on.
    private static func allocate(
        _ file: Int32, _ size: Int, _ path: String
    ) throws(SharedRoutesFailure) -> UnsafeMutableRawPointer {
        guard ftruncate(file, off_t(size)) == 0 else {
            throw SharedRoutesFailure("\(size) bytes can't be had", path)
        }
        let base = try map(file, size, path)
        takeLargePages(file, base, size)
        let code = posix_fallocate(file, 0, off_t(size))
        guard code == 0 else {
            munmap(base, size)
            throw SharedRoutesFailure("\(size) bytes can't be had", path, code)
        }
        return base
    }

    /// Asks for large pages while there's nothing to copy. Where they can't be had, small ones do the same, only slower.
    private static func takeLargePages(
        _ file: Int32, _ base: UnsafeMutableRawPointer, _ size: Int
    ) {
        let whole = size / tr_system_large_page * tr_system_large_page
        guard whole > 0 else { return }
        // The kernel has no large page for a place where there's nothing at all. A full file system is told by a call's
        // result: who stores into the mapping would be killed.
        var byte: UInt8 = 0
        for place in stride(from: 0, to: whole, by: tr_system_large_page) {
            guard pwrite(file, &byte, 1, off_t(place)) == 1 else { return }
        }
        _ = tr_system_collapse(base, whole)
    }

    /// Marks a file that isn't gone on with, so that its readers look for another: one of another version, too, for the state
    /// is in the same place in each.
    ///
    /// - Returns: false: something is there that can't be marked, and may have been a file of routes.
    static func retire(at path: String) -> Bool {
        let file = tr_system_open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0)
        guard file >= 0 else { return errno == ENOENT }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, tr_system_is_file(&status) != 0,
            status.st_size >= off_t(RoutesFormat.headerSize),
            let base = try? map(file, RoutesFormat.headerSize, path)
        else { return false }
        defer { munmap(base, RoutesFormat.headerSize) }
        guard
            base.load(fromByteOffset: RoutesFormat.Field.magic, as: UInt64.self)
                == RoutesFormat.magic
        else { return false }
        (base + RoutesFormat.Field.state).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(RoutesFormat.State.retired, ordering: .releasing)
        return true
    }

    /// A file that is there, to go on with.
    static func existing(at path: String) throws(SharedRoutesFailure) -> RoutesFile {
        let file = tr_system_open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0)
        guard file >= 0 else { throw SharedRoutesFailure("can't be opened", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw SharedRoutesFailure("can't be read", path) }
        guard tr_system_is_file(&status) != 0,
            status.st_size >= off_t(RoutesFormat.headerSize)
        else { throw SharedRoutesFailure("\(path): no file of routes") }
        let size = Int(status.st_size)
        return try opened(try map(file, size, path), size, status, path)
    }

    private static func map(
        _ file: Int32, _ size: Int, _ path: String
    ) throws(SharedRoutesFailure) -> UnsafeMutableRawPointer {
        guard let base = tr_system_map(file, size, PROT_READ | PROT_WRITE),
            tr_system_is_mapped(base) != 0
        else { throw SharedRoutesFailure("can't be mapped", path) }
        return base
    }

    private static func opened(
        _ base: UnsafeMutableRawPointer, _ size: Int, _ status: stat, _ path: String
    ) throws(SharedRoutesFailure) -> RoutesFile {
        var flaw = RoutesView.Flaw.none
        guard let view = RoutesView.open(UnsafeRawPointer(base), size: size, &flaw) else {
            munmap(base, size)
            throw SharedRoutesFailure(
                "\(path): \(flaw == .version ? "of another version" : "no file of routes")")
        }
        let file = RoutesFile(base, view, status)
        guard file.recordsUsed <= view.recordsEnd - view.recordsOffset,
            file.textsUsed <= (view.textsEnd - view.textsOffset) / RoutesFormat.textUnit,
            file.locationCount <= view.locationCapacity
        else { throw SharedRoutesFailure("\(path): it says that it has more than it can") }
        return file
    }

    private static func put(
        _ text: String, at field: Int, room: Int, _ base: UnsafeMutableRawPointer
    ) {
        let bytes = Array(text.utf8.prefix(room - 1))
        base.storeBytes(of: UInt8(bytes.count), toByteOffset: field, as: UInt8.self)
        (base + field + 1).copyMemory(from: bytes, byteCount: bytes.count)
    }
}
