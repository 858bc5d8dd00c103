import RegistryModel

extension TableView {
    /// Every name that is there, at this view's revision, in no order.
    func forEachEntry(_ body: (UnsafeRawBufferPointer, TableEntry) -> Void) {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        forEachRecord(isWritten) { record, words, shard in body(record.name, entry(words, shard)) }
    }

    private func forEachRecord(
        _ isWritten: Bool, _ body: (Record, RecordWords, ShardPointer) -> Void
    ) {
        var last: ShardPointer?
        for place in 0..<1 << depth where shards[place] != last {
            // A shard that shares fewer bits than the map has stands at several places in a row.
            let shard = shards[place]
            last = shard
            shard.pointee.forEachRecord { record in
                let words = words(of: record, isWritten: isWritten)
                if words.isPresent { body(record, words, shard) }
            }
        }
    }
}

extension TableView {
    /// Every name that is there, at this view's revision, by name, packed.
    ///
    /// Eight bytes a name beside what is returned, until it's returned.
    func packed() -> PackedTable {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        let memory = TableMemory()
        let records = memory.allocate(Record.self, count: max(1, total))
        defer { memory.free(records, count: max(1, total)) }
        var count = 0
        forEachRecord(isWritten) { record, _, _ in
            (records + count).initialize(to: record)
            count += 1
        }
        var sorted = UnsafeMutableBufferPointer(start: records, count: count)
        sorted.sort { $0.precedes($1) }
        var rows = PackedRows(memory)
        for record in sorted {
            let shard = shards[NameHash(record.name).prefix(depth)]
            let words = words(of: record, isWritten: isWritten)
            rows.append(record.name, entry(words, shard), at: Revision(Int64(words.revision)))
        }
        return PackedTable(position: position, summary: summary(), rows: rows)
    }
}

extension ShardIndex {
    /// Each record that is in the index now, and perhaps some that come meanwhile.
    func forEachRecord(_ body: (Record) -> Void) {
        for position in 0..<slotCount {
            let slot = slots[position].load(ordering: .acquiring)
            if slot != 0 { body(record(slot)) }
        }
    }
}
