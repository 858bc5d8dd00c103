import RegistryModel

/// Rows of a table, one after the other, in some 25 bytes each: written once, and read from the beginning.
///
/// A row says what differs from the one before it: names and texts share their beginnings with it, numbers
/// are differences. The memory is in pages of its own, so that what has been read can be given back at once.
public struct PackedRows {
    public private(set) var count = 0
    /// What rows' numbers of locations stand for.
    public private(set) var locations: [LocationName] = []

    private let memory: TableMemory
    fileprivate var chunks: [PackedChunk?] = []
    private var last = PackedContext()
    private var numbers: [LocationName: Int] = [:]
    private var lastLocation: (name: LocationName, number: Int)?

    init(_ memory: TableMemory = TableMemory()) {
        self.memory = memory
    }

    /// - Parameter domain: nil: the name is gone.
    mutating func append(
        _ name: UnsafeRawBufferPointer, _ domain: DomainView?, at revision: Revision
    ) {
        let texts = domain?.texts
        let output = chunk(for: PackedChunk.rowSize + name.count + (texts?.count ?? 0))
        output.put(delta: revision.number, from: &last.revision)
        output.put(mark(domain))
        output.put(text: name, after: &last.name)
        if let domain {
            output.put(UInt64(number(of: domain.location)))
            output.put(delta: domain.registeredAt.milliseconds, from: &last.registeredAt)
            output.put(delta: domain.changedAt.milliseconds, from: &last.changedAt)
            if let texts { output.put(text: texts, after: &last.texts) }
        }
        count += 1
    }

    /// Whether there are texts, the mode and the fence, each in two bits; 0: the name is gone.
    private func mark(_ domain: DomainView?) -> UInt64 {
        guard let domain else { return 0 }
        let modes = Self.number(domain.mode) | Self.number(domain.fence) << 2
        return modes << 1 | (domain.texts == nil ? 0 : 1)
    }

    private static func number(_ mode: Mode?) -> UInt64 {
        mode.flatMap { Mode.allCases.firstIndex(of: $0) }.map { UInt64($0 + 1) } ?? 0
    }

    fileprivate static func mode(_ number: UInt64) -> Mode? {
        number & 3 == 0 ? nil : Mode.allCases[Int(number & 3) - 1]
    }

    private mutating func number(of name: LocationName) -> Int {
        if let lastLocation, lastLocation.name == name { return lastLocation.number }
        let number = numbers[name] ?? locations.count
        if number == locations.count {
            numbers[name] = number
            locations.append(name)
        }
        lastLocation = (name, number)
        return number
    }

    private mutating func chunk(for bytes: Int) -> PackedChunk {
        if let chunk = chunks.last ?? nil, chunk.used + bytes <= chunk.size { return chunk }
        let chunk = PackedChunk(memory, atLeast: bytes)
        chunks.append(chunk)
        return chunk
    }

    /// Gives back what lies before a reader, and can't be read again.
    mutating func release(before reader: PackedRowsReader) {
        for number in reader.released..<reader.chunk { chunks[number] = nil }
        reader.released = reader.chunk
    }
}

/// A row as it was put in. The texts are good until the reader's next step.
public struct PackedRow {
    public var name: UnsafeRawBufferPointer
    /// Nil: the name is gone.
    public var domain: DomainView?
    /// Its location among `PackedRows.locations`.
    public var location = 0
}

/// Goes through packed rows. Not Sendable: it has a scratch buffer for the texts.
public final class PackedRowsReader {
    fileprivate var chunk = 0
    fileprivate var released = 0
    private var offset = 0
    private var last = PackedContext()
    private let name: UnsafeMutableRawBufferPointer
    private var texts: UnsafeMutableRawBufferPointer

    public init() {
        name = .allocate(byteCount: 256, alignment: 1)
        texts = .allocate(byteCount: 256, alignment: 1)
    }

    deinit {
        name.deallocate()
        texts.deallocate()
    }

    /// A reader that stands where this one does.
    func copy() -> PackedRowsReader {
        let copy = PackedRowsReader()
        (copy.chunk, copy.released, copy.offset, copy.last) = (chunk, released, offset, last)
        return copy
    }

    /// The revision of the next row; nil where there is none.
    func nextRevision(in rows: PackedRows) -> Revision? {
        guard var input = cursor(in: rows) else { return nil }
        var revision = last.revision
        input.delta(from: &revision)
        return Revision(revision)
    }

    public func next(in rows: PackedRows) -> PackedRow? {
        guard var input = cursor(in: rows) else { return nil }
        input.delta(from: &last.revision)
        let mark = input.number()
        let nameLength = input.text(after: &last.name)
        copyBytes(last.name, to: name, nameLength)
        var row = PackedRow(
            name: UnsafeRawBufferPointer(rebasing: name[..<nameLength]))
        if mark != 0 {
            row.location = Int(input.number())
            input.delta(from: &last.registeredAt)
            input.delta(from: &last.changedAt)
            var domain = DomainView(
                location: rows.locations[row.location],
                mode: PackedRows.mode(mark >> 1) ?? .reject, fence: PackedRows.mode(mark >> 3),
                revision: Revision(last.revision),
                registeredAt: Timestamp(milliseconds: last.registeredAt),
                changedAt: Timestamp(milliseconds: last.changedAt), texts: nil)
            if mark & 1 == 1 {
                let length = input.text(after: &last.texts)
                growTexts(length)
                copyBytes(last.texts, to: texts, length)
                domain.texts = UnsafeRawBufferPointer(rebasing: texts[..<length])
            }
            row.domain = domain
        }
        offset = input.offset
        return row
    }

    private func cursor(in rows: PackedRows) -> PackedCursor? {
        while chunk < rows.chunks.count {
            if let current = rows.chunks[chunk], offset < current.used {
                return PackedCursor(start: current.start, offset: offset)
            }
            // The last one may grow yet.
            guard chunk + 1 < rows.chunks.count else { return nil }
            chunk += 1
            offset = 0
        }
        return nil
    }

    private func growTexts(_ length: Int) {
        guard texts.count < length else { return }
        texts.deallocate()
        texts = .allocate(byteCount: length, alignment: 1)
    }

    private func copyBytes(
        _ bytes: [UInt8], to buffer: UnsafeMutableRawBufferPointer, _ length: Int
    ) {
        bytes.withUnsafeBytes { bytes in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        }
    }
}

/// What the next row is told against.
private struct PackedContext {
    var name: [UInt8] = []
    var texts: [UInt8] = []
    var revision: Int64 = 0
    var registeredAt: Int64 = 0
    var changedAt: Int64 = 0
}

private final class PackedChunk {
    /// Bytes of a row beside its texts, at most: six numbers and two texts' lengths.
    static let rowSize = 96
    private static let usualSize = 1 << 18

    let start: UnsafeMutablePointer<UInt8>
    let size: Int
    private(set) var used = 0
    private let memory: TableMemory

    init(_ memory: TableMemory, atLeast bytes: Int) {
        self.memory = memory
        size = max(Self.usualSize, bytes)
        start = memory.allocate(UInt8.self, count: size)
    }

    deinit {
        memory.free(start, count: size)
    }

    /// Seven bits a byte, the lowest first, marked while more follow.
    func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            start[used] = UInt8(truncatingIfNeeded: rest) | 0x80
            used += 1
            rest >>= 7
        }
        start[used] = UInt8(rest)
        used += 1
    }

    func put(delta number: Int64, from last: inout Int64) {
        let difference = number &- last
        last = number
        put(UInt64(bitPattern: difference << 1 ^ difference >> 63))
    }

    /// How many bytes it shares with the last one, how many follow, and those.
    func put(text: UnsafeRawBufferPointer, after last: inout [UInt8]) {
        var shared = 0
        let most = min(text.count, last.count)
        while shared < most, text[shared] == last[shared] { shared += 1 }
        put(UInt64(shared))
        put(UInt64(text.count - shared))
        let rest = UnsafeRawBufferPointer(rebasing: text[shared...])
        if let bytes = rest.baseAddress {
            UnsafeMutableRawPointer(start + used).copyMemory(from: bytes, byteCount: rest.count)
        }
        used += rest.count
        last.removeLast(last.count - shared)
        last.append(contentsOf: rest)
    }
}

private struct PackedCursor {
    let start: UnsafeMutablePointer<UInt8>
    var offset: Int

    mutating func number() -> UInt64 {
        var (number, shift) = (UInt64(0), UInt64(0))
        while true {
            let byte = start[offset]
            offset += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
    }

    mutating func delta(from last: inout Int64) {
        let number = number()
        last &+= Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    /// - Returns: the text's length; `last` is the text.
    mutating func text(after last: inout [UInt8]) -> Int {
        let shared = Int(number())
        let count = Int(number())
        last.removeLast(last.count - shared)
        last.append(contentsOf: UnsafeBufferPointer(start: start + offset, count: count))
        offset += count
        return last.count
    }
}
