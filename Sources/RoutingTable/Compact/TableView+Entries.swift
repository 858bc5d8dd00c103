import RegistryModel

extension TableView {
    /// Every name that is there, at this view's revision, in no order.
    func forEachEntry(_ body: (UnsafeRawBufferPointer, TableEntry) -> Void) {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        var last: ShardPointer?
        for place in 0..<1 << depth where shards[place] != last {
            // A shard that shares fewer bits than the map has stands at several places in a row.
            let shard = shards[place]
            last = shard
            shard.pointee.forEachRecord { record in
                let words = words(of: record, isWritten: isWritten)
                if words.isPresent { body(record.name, entry(words, shard)) }
            }
        }
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
