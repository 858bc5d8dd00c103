import CTenantRoutes
import Foundation
import RegistryModel
import Synchronization

/// Why a file can't be made or gone on with.
package struct SharedRoutesFailure: Error, CustomStringConvertible, Hashable, Sendable {
    package let description: String

    init(_ what: String, _ path: String, _ code: Int32 = errno) {
        description = "\(path): \(what): \(String(cString: strerror(code)))"
    }

    init(_ description: String) {
        self.description = description
    }
}

/// A mapped file as its one writer sees it. All of it is allocated when it's made: what doesn't fit any more goes to a
/// larger one, so that a full file system is met there and not in the middle of a store.
final class RoutesFile {
    let view: RoutesView
    private let base: UnsafeMutableRawPointer
    private let device: dev_t
    private let inode: ino_t
    private(set) var recordsUsed: Int
    private(set) var locationCount: Int
    private(set) var textsUsed: Int
    private(set) var names = 0

    static func recordSize(_ name: Int) -> Int { (RoutesFormat.recordHead + name + 7) / 8 * 8 }

    static func textUnits(_ bytes: Int) -> Int {
        (2 + bytes + RoutesFormat.textUnit - 1) / RoutesFormat.textUnit
    }

    init(_ base: UnsafeMutableRawPointer, _ view: RoutesView, _ status: stat) {
        self.base = base
        self.view = view
        (device, inode) = (status.st_dev, status.st_ino)
        recordsUsed = Int(
            clamping: base.load(fromByteOffset: RoutesFormat.Field.recordsUsed, as: UInt64.self))
        locationCount = Int(
            clamping: base.load(
                fromByteOffset: RoutesFormat.Field.locationCount, as: UInt64.self))
        textsUsed = Int(
            clamping: base.load(fromByteOffset: RoutesFormat.Field.textsUsed, as: UInt64.self))
    }

    deinit {
        munmap(base, view.size)
    }

    /// Whether a path leads to this file.
    func isThere(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_ino == inode && status.st_dev == device
    }

    /// What tells it from other files, for as long as the machine runs.
    var identity: String { "\(device) \(inode)" }

    static func identity(at path: String) -> String? {
        var status = stat()
        return stat(path, &status) == 0 ? "\(status.st_dev) \(status.st_ino)" : nil
    }

    private func text(at field: Int, room: Int) -> String {
        let count = min(Int(base.load(fromByteOffset: field, as: UInt8.self)), room - 1)
        return String(
            decoding: UnsafeRawBufferPointer(start: base + field + 1, count: count), as: UTF8.self)
    }

    var epoch: Epoch {
        Epoch(text(at: RoutesFormat.Field.epoch, room: RoutesFormat.Field.epochSize))
    }

    var boot: String { text(at: RoutesFormat.Field.boot, room: RoutesFormat.Field.bootSize) }

    // MARK: Words

    func store(_ word: UInt64, at offset: Int) {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(
            word, ordering: .releasing)
    }

    func word(at offset: Int) -> RouteWord { RouteWord(bits: view.word(at: offset)) }

    // MARK: Names and locations

    /// The record of a name, a new one where it has none.
    ///
    /// - Returns: nil: there's no room for another one.
    func record(of name: UnsafeRawBufferPointer) -> Int? {
        guard let start = name.baseAddress else { return nil }
        switch view.search(start, name.count) {
        case .found(let record): return record
        case .astray: return nil
        case .absent(let slot):
            let record = view.recordsOffset + recordsUsed
            let size = Self.recordSize(name.count)
            guard record + size <= view.recordsEnd, names < view.indexCount * 3 / 4 else {
                return nil
            }
            base.storeBytes(of: 0, toByteOffset: record, as: UInt64.self)
            base.storeBytes(of: 0, toByteOffset: record + 8, as: UInt64.self)
            base.storeBytes(of: UInt8(name.count), toByteOffset: record + 16, as: UInt8.self)
            (base + record + RoutesFormat.recordHead).copyMemory(
                from: start, byteCount: name.count)
            // Whoever is killed between these two leaves a record that nobody finds, and that says nothing.
            recordsUsed += size
            store(UInt64(recordsUsed), at: RoutesFormat.Field.recordsUsed)
            let unit = (record - view.recordsOffset) / RoutesFormat.recordUnit
            let entry = view.hash(start, name.count).tag << 32 | UInt64(unit + 1)
            store(entry, at: view.indexOffset + slot * 8)
            names += 1
            return record
        }
    }

    /// A place for a location.
    ///
    /// - Returns: nil: there's no room for another one.
    func addLocation(_ name: LocationName) -> Int? {
        guard locationCount < view.locationCapacity, let offset = view.location(locationCount)
        else {
            return nil
        }
        let bytes = Array(name.text.utf8.prefix(RoutesFormat.longestLocation))
        base.storeBytes(of: UInt8(bytes.count), toByteOffset: offset + 16, as: UInt8.self)
        (base + offset + 17).copyMemory(from: bytes, byteCount: bytes.count)
        locationCount += 1
        store(UInt64(locationCount), at: RoutesFormat.Field.locationCount)
        return locationCount - 1
    }

    /// - Returns: where the text is, in units; nil: there's no room for it.
    func addText(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let units = Self.textUnits(bytes.count)
        let start = view.textsOffset + textsUsed * RoutesFormat.textUnit
        guard bytes.count <= RoutesFormat.longestUpstream,
            start + units * RoutesFormat.textUnit <= view.textsEnd
        else { return nil }
        base.storeBytes(of: UInt16(bytes.count), toByteOffset: start, as: UInt16.self)
        if let text = bytes.baseAddress {
            (base + start + 2).copyMemory(from: text, byteCount: bytes.count)
        }
        textsUsed += units
        store(UInt64(textsUsed), at: RoutesFormat.Field.textsUsed)
        return textsUsed - units
    }

    /// Every record, in the order in which they were made: where it is.
    ///
    /// - Returns: false where they don't follow one another: then this is no sound file.
    func forEachRecord(_ body: (Int) throws -> Void) rethrows -> Bool {
        var record = view.recordsOffset
        let end = record + recordsUsed
        while record < end {
            guard record + RoutesFormat.recordHead <= end, let count = view.nameCount(of: record)
            else { return false }
            try body(record)
            record += Self.recordSize(count)
        }
        return record == end
    }

    /// Counts the names that the index has.
    func countNames() {
        names = (0..<view.indexCount).count { view.word(at: view.indexOffset + $0 * 8) != 0 }
    }

    func name(of record: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: base + record + RoutesFormat.recordHead,
            count: view.nameCount(of: record) ?? 0)
    }

    func locationName(_ place: Int) -> UnsafeRawBufferPointer {
        let offset = view.location(place) ?? 0
        return UnsafeRawBufferPointer(
            start: base + offset + 17,
            count: min(
                Int(base.load(fromByteOffset: offset + 16, as: UInt8.self)),
                RoutesFormat.longestLocation))
    }
}
