extension RoutesFile {
    /// What it has room for.
    struct Capacity {
        var names = 0
        /// Of records, in bytes.
        var records = 0
        var locations = 0
        /// Of upstreams, in units.
        var texts = 0

        mutating func add(name bytes: Int) {
            names += 1
            records += RoutesFile.recordSize(bytes)
        }

        mutating func add(location upstream: Int) {
            locations += 1
            texts += RoutesFile.textUnits(upstream)
        }

        /// Some more than there is: a file that is full at once would be copied at once.
        var withSlack: Capacity {
            Capacity(
                names: names + max(1_000, names / 16), records: records + max(65_536, records / 16),
                locations: min(RoutesFormat.mostLocations, locations + max(16, locations / 8)),
                texts: min(RoutesFormat.mostTextUnits, texts + max(64, texts / 4)))
        }
    }

    struct Layout {
        let indexCount: Int
        let indexOffset = RoutesFormat.headerSize
        let recordsOffset: Int
        let recordsEnd: Int
        let locationsOffset: Int
        let textsOffset: Int
        let size: Int

        init(_ capacity: Capacity) {
            // A quarter of it stays empty, so that names stand near their places.
            indexCount = max(1_024, capacity.names * 4 / 3)
            recordsOffset = indexOffset + indexCount * 8
            recordsEnd = recordsOffset + capacity.records
            locationsOffset = (recordsEnd + 63) / 64 * 64
            textsOffset =
                (locationsOffset + capacity.locations * RoutesFormat.locationSize + 63) / 64 * 64
            size = textsOffset + capacity.texts * RoutesFormat.textUnit
        }
    }
}
