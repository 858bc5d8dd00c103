/// What one revision changes: of each record, the words before and after.
///
/// Built whole before it's published, never changed afterwards. Until the revision is in the
/// records, its readers take the words after from here; readers of earlier revisions take the words
/// before, as soon as they meet a record that is ahead of them.
struct RevisionRows {
    struct Row {
        let record: Record
        let before: RecordWords
        var after: RecordWords
        /// The writer's.
        let shard: Unmanaged<Shard>
    }

    let rows: UnsafeMutablePointer<Row>
    /// Open addressing by the record's address. A slot: 0 for empty, otherwise 32 bits of hash,
    /// then one more than the row's number.
    let slots: UnsafeMutablePointer<UInt64>
    let slotBits: UInt64

    func find(_ record: Record) -> UnsafeMutablePointer<Row>? {
        let slot = slots[position(of: record)]
        return slot == 0 ? nil : rows + (Int(slot & 0xFFFF_FFFF) &- 1)
    }

    /// The slot that has the record, or the empty one where it would be.
    fileprivate func position(of record: Record) -> Int {
        let hash = Self.hash(record)
        let mask = 1 &<< slotBits &- 1
        var position = hash &>> (64 &- slotBits)
        while true {
            let slot = slots[Int(position)]
            if slot == 0 { break }
            if slot &>> 32 == hash & 0xFFFF_FFFF,
                rows[Int(slot & 0xFFFF_FFFF) &- 1].record == record
            {
                break
            }
            position = (position &+ 1) & mask
        }
        return Int(position)
    }

    /// Addresses aren't chosen by strangers: a multiplication spreads them.
    fileprivate static func hash(_ record: Record) -> UInt64 {
        let address = UInt64(UInt(bitPattern: record.words)) &>> 3
        let product = address.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}

/// The memory of a `RevisionRows`, and how it's filled.
final class RevisionRowsOwner {
    let face: UnsafeMutablePointer<RevisionRows>
    private(set) var count = 0

    private let memory: TableMemory
    private let capacity: Int
    private let slotCount: Int

    /// - Parameter capacity: how many rows at most.
    init(_ memory: TableMemory, capacity: Int) {
        self.memory = memory
        self.capacity = capacity
        var slotBits: UInt64 = 1
        while 1 << slotBits < capacity * 3 / 2 + 1 { slotBits += 1 }
        slotCount = 1 << slotBits
        let slots = memory.allocate(UInt64.self, count: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        face = memory.allocate(RevisionRows.self, count: 1)
        face.initialize(
            to: RevisionRows(
                rows: memory.allocate(RevisionRows.Row.self, count: capacity), slots: slots,
                slotBits: slotBits))
    }

    deinit {
        memory.free(face.pointee.rows, count: capacity)
        memory.free(face.pointee.slots, count: slotCount)
        memory.free(face, count: 1)
    }

    var rows: UnsafeMutableBufferPointer<RevisionRows.Row> {
        UnsafeMutableBufferPointer(start: face.pointee.rows, count: count)
    }

    /// The record's row, a new one with the words that it has now unless there is one.
    func row(for record: Record, in shard: Shard) -> UnsafeMutablePointer<RevisionRows.Row> {
        let position = face.pointee.position(of: record)
        let slot = face.pointee.slots[position]
        guard slot == 0 else { return face.pointee.rows + (Int(slot & 0xFFFF_FFFF) - 1) }
        let row = face.pointee.rows + count
        let now = record.current
        row.initialize(
            to: RevisionRows.Row(
                record: record, before: now, after: now, shard: .passUnretained(shard)))
        count += 1
        let tag = RevisionRows.hash(record) & 0xFFFF_FFFF
        face.pointee.slots[position] = tag << 32 | UInt64(count)
        return row
    }
}
