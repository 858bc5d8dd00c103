import Synchronization

/// What readers see of a shard: the index, and where records and tenants' texts lie.
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
    let tenants: ChunkAddresses

    static let placeBits: UInt32 = 20
    /// Chunks of records that a slot can name.
    static let chunkLimit = (1 << Int(placeBits) - 1) * 8 / ChunkList.chunkSize

    func find(_ name: UnsafeRawBufferPointer, _ hash: NameHash) -> Record? {
        var position = hash.slot(among: slotCount)
        while true {
            let slot = slots[position].load(ordering: .acquiring)
            if slot == 0 { return nil }
            if slot &>> Self.placeBits == hash.tag {
                let record = record(slot)
                if record.hasName(name) { return record }
            }
            position = next(position)
        }
    }

    func record(_ slot: UInt32) -> Record {
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

    /// A tenant's text: its length, seven bits an byte, the lowest first and marked while more
    /// follow; then the bytes.
    ///
    /// - Parameter tenant: as a record's words have it, not 0.
    func tenant(_ tenant: Int) -> UnsafeRawBufferPointer {
        var byte = UnsafeRawPointer(tenants.address(of: tenant &- 1))
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
