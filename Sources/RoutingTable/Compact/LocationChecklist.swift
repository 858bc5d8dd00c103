import RegistryModel
import Synchronization

/// What a location has at one revision, for a list of names that is ticked off against it.
///
/// It stays as it is for as long as the list takes to come, whatever the table takes in meanwhile: shards keep their
/// names, and a name its slot, and beside each slot of each shard stands a mark of 4 bytes here. So it takes some
/// 6 bytes a name, 4 MiB for names that aren't there, however long the list is, and besides it the shards that the
/// table has made anew since.
public final class LocationChecklist: Sendable {
    public enum Tick: Sendable, Equatable {
        /// The name is the location's.
        case here
        case elsewhere(LocationName)
        case unknown
        /// It was ticked before. Of unknown names that's told as far as there's room for them.
        case again
    }

    /// What it's read at.
    public let position: Position
    private let marks: Mutex<NameMarks>

    init(position: Position, _ marks: consuming NameMarks) {
        self.position = position
        self.marks = Mutex(marks)
    }

    /// What it has allocated, in bytes.
    var bytes: Int { marks.withLock { $0.memory.bytes } }

    /// - Parameter name: the bytes of its canonical form.
    public func tick(_ name: UnsafeRawBufferPointer) -> Tick {
        marks.withLock { $0.tick(name) }
    }

    /// Puts the location's names that weren't ticked in order: some 12 bytes for each. After that none is ticked.
    public func sortMissing() {
        marks.withLock { $0.sortMissing() }
    }

    /// Shows the next of the missing names, by name.
    ///
    /// - Parameters:
    ///   - count: names at most.
    ///   - body: its argument is good until it returns.
    /// - Returns: false where none is left.
    public func takeMissing(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        marks.withLock { $0.takeMissing(count, body) }
    }
}

/// A mark beside each slot of the shards that a view has.
///
/// Unsafe because of the pointers. What holds it together:
/// - `directory` keeps the shards, and with them their slots and the names in their records.
/// - A slot that is taken is never another name's, and a shard never gets more slots. One that was free at the view's
///   revision has no mark, whatever comes into it later.
/// - One thread at a time has it.
struct NameMarks: ~Copyable, @unchecked Sendable {
    /// 0: the name isn't there; else one more than its location's number, and whether it was ticked.
    private typealias Mark = UInt32
    private static let ticked = Mark(1) << 31
    /// Names that aren't there which are known again, as long as they have no more than some 4 MiB.
    static let unknownNames = 65_536

    private let directory: ShardDirectory
    let memory = TableMemory()
    /// By place, as the directory's indexes.
    private let marks: UnsafeMutablePointer<UnsafeMutablePointer<Mark>>
    private let location: Mark
    /// By number, as far as domains have them.
    private var names: [LocationName] = []
    /// Names that aren't there and were ticked: a shard of their own, which never grows.
    private let unknown: Shard
    private var missing: UnsafeMutableBufferPointer<Record>?
    private var told = 0

    /// Nothing is there yet.
    ///
    /// - Parameter location: the number of the one that the list is of.
    init(_ directory: ShardDirectory, location: Int) {
        self.directory = directory
        self.location = Mark(location + 1)
        unknown = Shard(memory, depth: 0, names: Self.unknownNames)
        marks = memory.allocate(UnsafeMutablePointer<Mark>.self, count: 1 << directory.depth)
        directory.forEachShard { place, width, shard in
            let count = shard.pointee.slotCount
            let own = memory.allocate(Mark.self, count: count)
            own.initialize(repeating: 0, count: count)
            for offset in 0..<width { marks[place + offset] = own }
        }
    }

    deinit {
        directory.forEachShard { place, _, shard in
            memory.free(marks[place], count: shard.pointee.slotCount)
        }
        memory.free(marks, count: 1 << directory.depth)
        if let missing, let start = missing.baseAddress {
            memory.free(start, count: missing.count)
        }
    }

    mutating func set(place: Int, slot: Int, location: Int) {
        marks[place][slot] = Mark(location + 1)
    }

    mutating func name(_ locations: [LocationName]) { names = locations }

    mutating func tick(_ name: UnsafeRawBufferPointer) -> LocationChecklist.Tick {
        let hash = NameHash(name)
        let place = hash.prefix(directory.depth)
        let slot = directory.indexes[place].pointee.slot(of: name, hash)
        guard let slot, marks[place][slot] != 0 else { return tick(unknown: name, hash) }
        let mark = marks[place][slot]
        guard mark & Self.ticked == 0 else { return .again }
        marks[place][slot] = mark | Self.ticked
        return mark == location ? .here : .elsewhere(names[Int(mark) - 1])
    }

    private func tick(
        unknown name: UnsafeRawBufferPointer, _ hash: NameHash
    ) -> LocationChecklist.Tick {
        guard unknown.index.pointee.find(name, hash) == nil else { return .again }
        if unknown.hasRoom { _ = unknown.add(name, hash) }
        return .unknown
    }

    mutating func sortMissing() {
        guard missing == nil else { return }
        var count = 0
        forEachMissing { _ in count += 1 }
        let records = memory.allocate(Record.self, count: count)
        var filled = 0
        forEachMissing {
            (records + filled).initialize(to: $0)
            filled += 1
        }
        var sorted = UnsafeMutableBufferPointer(start: records, count: count)
        sorted.sort { $0.precedes($1) }
        missing = sorted
    }

    private func forEachMissing(_ body: (Record) -> Void) {
        directory.forEachShard { place, _, shard in
            let marks = marks[place]
            for slot in 0..<shard.pointee.slotCount where marks[slot] == location {
                if let record = shard.pointee.record(inSlot: slot) { body(record) }
            }
        }
    }

    mutating func takeMissing(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        guard let missing else { return false }
        let end = min(told + count, missing.count)
        for record in missing[told..<end] { body(record.name) }
        told = end
        return end < missing.count
    }
}

extension TableView {
    /// - Returns: nil where there is no such location.
    func checklist(of location: LocationName) -> LocationChecklist? {
        let found = locationOrder.first { locations[Int($0)].name == location }
        guard let found else { return nil }
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        let directory = directory.takeUnretainedValue()
        var marks = NameMarks(directory, location: Int(found))
        var highest = Int(found)
        directory.forEachShard { place, _, shard in
            for slot in 0..<shard.pointee.slotCount {
                guard let record = shard.pointee.record(inSlot: slot) else { continue }
                let words = words(of: record, isWritten: isWritten)
                guard words.isPresent else { continue }
                marks.set(place: place, slot: slot, location: words.location)
                highest = max(highest, words.location)
            }
        }
        marks.name((0...highest).map { locations[$0].name })
        return LocationChecklist(position: position, marks)
    }
}
