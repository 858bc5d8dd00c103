import Synchronization

/// A part of the table: the names whose hashes begin with the same bits, with an index of their own.
///
/// The writer's side; readers have `index`. Names are only added; one that is gone keeps its record
/// until the shard is made anew, which is also how a shard grows, shrinks and splits. So no such
/// step takes longer than one shard takes, however large the table is.
final class Shard {
    /// How many leading bits of their hashes the names share.
    let depth: Int
    let index: UnsafeMutablePointer<ShardIndex>

    private let memory: TableMemory
    private let records: ChunkList
    private let textMemory: ChunkList
    private let capacity: Int
    private var recordCount = 0
    private var usedBytes = 0
    private var deadBytes = 0
    /// Whether the writer has it on its list of shards to make anew.
    var isQueued = false

    /// A shard of more bytes than this is split when it has no more room. Some 20,000 names.
    static let splitSize = 1 << 20
    /// Below this many, a split gives no smaller parts worth having.
    private static let splitCount = 64
    private static let fullLoad = 0.8
    private static let freshLoad = 0.6
    /// Records take at most half of what a slot can name: there's room for what one revision adds.
    private static let chunkLimit = ShardIndex.chunkLimit / 2
    private static let textChunkLimit = RecordWords.textLimit / ChunkList.chunkSize / 2

    /// - Parameter names: how many it must take in before it's made anew.
    init(_ memory: TableMemory, depth: Int, names: Int, load: Double = fullLoad) {
        self.depth = depth
        self.memory = memory
        let slotCount = max(8, Int(Double(names) / load) + 1)
        capacity = Int(Double(slotCount) * Self.fullLoad)
        let slots = memory.allocate(Atomic<UInt32>.self, count: slotCount)
        for slot in 0..<slotCount { (slots + slot).initialize(to: Atomic(0)) }
        records = ChunkList(memory)
        textMemory = ChunkList(memory)
        index = memory.allocate(ShardIndex.self, count: 1)
        index.initialize(
            to: ShardIndex(
                slots: slots, slotCount: slotCount,
                records: ChunkAddresses(array: Atomic(records.array)),
                textMemory: ChunkAddresses(array: Atomic(textMemory.array))))
    }

    deinit {
        memory.free(index.pointee.slots, count: index.pointee.slotCount)
        memory.free(index, count: 1)
    }

    /// Whether one more name, and texts once more for each name, can be taken in.
    var hasRoom: Bool {
        recordCount < capacity && records.chunkCount < Self.chunkLimit
            && textMemory.chunkCount < Self.textChunkLimit
    }

    /// Whether so much of it is dead that it should be made anew.
    var isWasteful: Bool { deadBytes > 4096 && deadBytes > usedBytes / 4 }

    /// A record that nobody finds present until it's written. The name isn't in the shard yet.
    func add(_ name: UnsafeRawBufferPointer, _ hash: NameHash) -> Record {
        precondition((1...255).contains(name.count), "a name has at most 253 bytes")
        precondition(recordCount < capacity, "a full shard is made anew first")
        let size = Record.size(nameLength: name.count)
        let place = records.append(size, alignment: 8)
        index.pointee.records.publish(records.array)
        let address = records.address(of: place)
        let record = Record(words: address.assumingMemoryBound(to: Atomic<UInt64>.self))
        record.initialize(name: name, .neverPresent(nameLength: name.count))
        recordCount += 1
        usedBytes += size
        index.pointee.insert(place: place, hash)
        return record
    }

    /// - Returns: what a record's words say of it.
    func addTexts(_ text: UnsafeRawBufferPointer) -> Int {
        let size = Self.size(ofTexts: text.count)
        let place = textMemory.append(size, alignment: 1)
        precondition(place + 1 < RecordWords.textLimit, "a tenant has at most 200 characters")
        index.pointee.textMemory.publish(textMemory.array)
        var byte = textMemory.address(of: place)
        var length = text.count
        while length >= 0x80 {
            byte.storeBytes(of: UInt8(truncatingIfNeeded: length) | 0x80, as: UInt8.self)
            byte += 1
            length >>= 7
        }
        byte.storeBytes(of: UInt8(length), as: UInt8.self)
        if let start = text.baseAddress {
            (byte + 1).copyMemory(from: start, byteCount: text.count)
        }
        usedBytes += size
        return place + 1
    }

    private static func size(ofTexts length: Int) -> Int {
        var size = length + 1
        var rest = length >> 7
        while rest > 0 {
            size += 1
            rest >>= 7
        }
        return size
    }

    /// Counts what a change leaves behind, or brings back to life.
    func note(_ old: RecordWords, became new: RecordWords) {
        if old.texts != 0, old.texts != new.texts { noteDeadTexts(old.texts) }
        let wasDead = !old.isPresent && !old.wasNeverPresent
        let isDead = !new.isPresent
        if wasDead != isDead {
            deadBytes += Record.size(nameLength: new.nameLength) * (isDead ? 1 : -1)
        }
    }

    func noteDeadTexts(_ place: Int) {
        deadBytes += Self.size(ofTexts: index.pointee.texts(place).count)
    }
}

extension Shard {
    /// What takes this shard's place: the same names without those that are gone, in one shard with
    /// room for more or in two.
    func replacements() -> [Shard] {
        var live = 0
        forEachRecord { _, words in live += words.isWorthKeeping ? 1 : 0 }
        let isSplit =
            usedBytes - deadBytes > Self.splitSize && live > Self.splitCount
            && depth < NameHash.maximumDepth
        // Halves differ by chance: four standard deviations' more room.
        let names = isSplit ? live / 2 + Int(2 * Double(live).squareRoot()) : live
        let parts = (0..<(isSplit ? 2 : 1)).map { _ in
            Shard(
                memory, depth: isSplit ? depth + 1 : depth, names: names + 1, load: Self.freshLoad)
        }
        forEachRecord { record, words in
            guard words.isWorthKeeping else { return }
            let hash = NameHash(record.name)
            parts[isSplit ? hash.bit(at: depth) : 0].copy(record, words, hash, from: self)
        }
        return parts
    }

    private func copy(_ record: Record, _ words: RecordWords, _ hash: NameHash, from old: Shard) {
        var words = words
        if words.texts != 0 {
            let text = old.index.pointee.texts(words.texts)
            words.texts = addTexts(text)
        }
        add(record.name, hash).write(words)
    }

    private func forEachRecord(_ body: (Record, RecordWords) -> Void) {
        records.forEachChunk { start, size in
            var offset = 0
            while offset + Record.size(nameLength: 1) <= size {
                let address = (start + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
                let record = Record(words: address)
                // Nothing was put here: a name has at least one byte.
                guard record.nameLength > 0 else { break }
                body(record, record.current)
                offset += Record.size(nameLength: record.nameLength)
            }
        }
    }
}

extension RecordWords {
    /// A record that isn't present but has just been made belongs to the revision under way.
    fileprivate var isWorthKeeping: Bool { isPresent || wasNeverPresent }
}
