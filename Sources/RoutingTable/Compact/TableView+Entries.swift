import RegistryModel

/// What a whole reading of the table is of.
public struct TableSummary: Sendable, Hashable {
    public var position: Position
    /// How many domains.
    public var total: Int
    /// By name, with their upstreams.
    public var locations: [DeclaredLocation]

    public struct DeclaredLocation: Sendable, Hashable {
        public var name: LocationName
        public var upstream: UpstreamURL

        public init(name: LocationName, upstream: UpstreamURL) {
            self.name = name
            self.upstream = upstream
        }
    }
}

extension TableView {
    var summary: TableSummary {
        TableSummary(
            position: position, total: total,
            locations: locationOrder.compactMap { number in
                let entry = locations[Int(number)]
                return entry.upstream.map { .init(name: entry.name, upstream: $0) }
            })
    }

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
