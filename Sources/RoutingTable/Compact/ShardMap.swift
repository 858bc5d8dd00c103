import Synchronization

/// Which shard a hash belongs to, as the writer keeps it: by the hash's first bits.
///
/// A shard that shares fewer bits than the map has stands at several places in a row.
struct ShardMap {
    private let memory: TableMemory
    private var depth: Int
    private var shards: [Shard]
    /// How often a shard has been made anew.
    private(set) var renewals = 0
    /// The map for readers, until the next change.
    private var directory: ShardDirectory?

    /// - Parameter names: how many will come; more may, at the price of splits.
    init(_ memory: TableMemory, expecting names: Int = 0) {
        self.memory = memory
        var depth = 0
        while names >> depth > Self.expectedNames { depth += 1 }
        depth = min(depth, NameHash.maximumDepth)
        let mean = names >> depth
        // Hashes don't fall evenly: four standard deviations' more room.
        let most = names == 0 ? 0 : mean + 4 * Int(Double(mean).squareRoot()) + 1
        shards = (0..<1 << depth).map { [depth] _ in Shard(memory, depth: depth, names: most) }
        self.depth = depth
    }

    /// Below what makes a shard split, for names of up to some 60 bytes.
    private static let expectedNames = 12_000

    func shard(of hash: NameHash) -> Shard { shards[hash.prefix(depth)] }

    /// Each shard once.
    func forEachShard(_ body: (Shard) -> Void) {
        var place = 0
        while place < shards.count {
            body(shards[place])
            place += 1 << (depth - shards[place].depth)
        }
    }

    /// Makes the shard of `hash` anew.
    mutating func renew(_ hash: NameHash) {
        let old = shard(of: hash)
        let parts = old.replacements()
        if parts.count > 1, old.depth == depth { double() }
        let width = 1 << (depth - old.depth)
        let start = hash.prefix(depth) & ~(width - 1)
        for offset in 0..<width {
            shards[start + offset] = parts[offset * parts.count / width]
        }
        directory = nil
        renewals += 1
    }

    private mutating func double() {
        shards = shards.flatMap { [$0, $0] }
        depth += 1
    }

    /// The map as it is now, for readers.
    mutating func published() -> ShardDirectory {
        if let directory { return directory }
        let new = ShardDirectory(memory, shards: shards, depth: depth)
        directory = new
        return new
    }
}

/// The map at one moment, for readers: it never changes. Keeps its shards alive.
final class ShardDirectory {
    let depth: Int
    let indexes: UnsafeMutablePointer<UnsafeMutablePointer<ShardIndex>>

    private let memory: TableMemory
    private let shards: [Shard]

    init(_ memory: TableMemory, shards: [Shard], depth: Int) {
        self.memory = memory
        self.shards = shards
        self.depth = depth
        indexes = memory.allocate(UnsafeMutablePointer<ShardIndex>.self, count: shards.count)
        for place in shards.indices { indexes[place] = shards[place].index }
    }

    deinit {
        memory.free(indexes, count: shards.count)
    }

    /// Each shard once.
    ///
    /// - Parameter body: takes its first place, and at how many in a row it stands: a shard that shares fewer bits
    ///   than the map has stands at several.
    func forEachShard(
        _ body: (_ place: Int, _ width: Int, UnsafeMutablePointer<ShardIndex>) -> Void
    ) {
        var place = 0
        while place < shards.count {
            let width = 1 << (depth - shards[place].depth)
            body(place, width, indexes[place])
            place += width
        }
    }
}

/// What readers see of a shard: the index, and where records and texts lie.
///
/// Unsafe because of the pointers. What holds it together:
/// - A slot is released after the record that it names is complete, and never changes again: who
///   finds a record may read it.
/// - There is always an empty slot: every search ends.
/// - It lives as long as its `Shard`, which outlives every reader that can have found it.
struct ShardIndex: ~Copyable {
    /// A slot: 0 for empty, otherwise 12 bits of tag, then one more than the record's place in
    /// units of 8 bytes, 20 bits.
    let slots: UnsafeMutablePointer<Atomic<UInt32>>
    let slotCount: Int
    let records: ChunkAddresses
    let textMemory: ChunkAddresses

    static let placeBits: UInt32 = 20
    /// Chunks of records that a slot can name.
    static let chunkLimit = (1 << Int(placeBits) - 1) * 8 / ChunkList.chunkSize

    func find(_ name: UnsafeRawBufferPointer, _ hash: NameHash) -> Record? {
        search(name, hash)?.record
    }

    /// The position of a name's slot: as long as the index is there, it's that name's.
    func slot(of name: UnsafeRawBufferPointer, _ hash: NameHash) -> Int? {
        search(name, hash)?.position
    }

    private func search(
        _ name: UnsafeRawBufferPointer, _ hash: NameHash
    ) -> (position: Int, record: Record)? {
        var position = hash.slot(among: slotCount)
        while true {
            let slot = slots[position].load(ordering: .acquiring)
            if slot == 0 { return nil }
            if slot &>> Self.placeBits == hash.tag {
                let record = record(slot)
                if record.hasName(name) { return (position, record) }
            }
            position = next(position)
        }
    }

    /// - Returns: nil where the slot is free.
    func record(inSlot position: Int) -> Record? {
        let slot = slots[position].load(ordering: .acquiring)
        return slot == 0 ? nil : record(slot)
    }

    private func record(_ slot: UInt32) -> Record {
        let place = Int(slot & (1 &<< Self.placeBits &- 1)) &- 1
        let address = records.address(of: place &<< 3)
        return Record(words: address.assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    private func next(_ position: Int) -> Int {
        let next = position &+ 1
        return next == slotCount ? 0 : next
    }

    /// The writer's.
    func insert(place: Int, _ hash: NameHash) {
        var position = hash.slot(among: slotCount)
        while slots[position].load(ordering: .relaxed) != 0 { position = next(position) }
        let slot = hash.tag &<< Self.placeBits | UInt32(place &>> 3 &+ 1)
        slots[position].store(slot, ordering: .releasing)
    }

    /// A domain's texts: their length, seven bits a byte, the lowest first and marked while more
    /// follow; then the bytes.
    ///
    /// - Parameter place: as a record's words have it, not 0.
    func texts(_ place: Int) -> UnsafeRawBufferPointer {
        var byte = UnsafeRawPointer(textMemory.address(of: place &- 1))
        var length = 0
        var shift = 0
        while true {
            let next = byte.load(as: UInt8.self)
            byte += 1
            length |= Int(next & 0x7F) &<< shift
            if next < 0x80 { break }
            shift &+= 7
        }
        return UnsafeRawBufferPointer(start: byte, count: length)
    }
}
