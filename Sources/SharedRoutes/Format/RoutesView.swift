import Synchronization

/// A mapped file, as a reader sees it. Whatever is in the file, nothing outside it is touched: what the header says is checked
/// once and kept here, and each place in it is checked where it's used.
package struct RoutesView {
    package let base: UnsafeRawPointer
    package let size: Int
    package let indexOffset: Int
    package let indexCount: Int
    package let recordsOffset: Int
    package let recordsEnd: Int
    package let locationsOffset: Int
    package let locationCapacity: Int
    package let textsOffset: Int
    package let textsEnd: Int
    package let firstSeed: UInt64
    package let secondSeed: UInt64
    /// Another file has taken this one's place, and can't be had: what this one says isn't so any more.
    package var isLost = false
    /// It was written before the machine was started last.
    package var isOfOtherBoot = false

    package enum Flaw {
        case none
        case version
        case invalid
    }

    /// - Parameter size: of what is mapped, in bytes.
    /// - Returns: nil with the flaw in it.
    package static func open(
        _ base: UnsafeRawPointer, size: Int, _ flaw: inout Flaw
    ) -> RoutesView? {
        flaw = .invalid
        guard size >= RoutesFormat.headerSize else { return nil }
        func number(_ field: Int) -> UInt64 { base.load(fromByteOffset: field, as: UInt64.self) }
        guard number(RoutesFormat.Field.magic) == RoutesFormat.magic else { return nil }
        let version = base.load(fromByteOffset: RoutesFormat.Field.version, as: UInt32.self)
        guard version == RoutesFormat.version else {
            flaw = .version
            return nil
        }
        // Nothing above this is a place in a file: sums of three of them can't overflow.
        let limit: UInt64 = 1 << 60
        func place(_ field: Int) -> Int? {
            let value = number(field)
            return value < limit ? Int(truncatingIfNeeded: value) : nil
        }
        guard let fileSize = place(RoutesFormat.Field.fileSize),
            let indexOffset = place(RoutesFormat.Field.indexOffset),
            let indexCount = place(RoutesFormat.Field.indexCount),
            let recordsOffset = place(RoutesFormat.Field.recordsOffset),
            let recordsEnd = place(RoutesFormat.Field.recordsEnd),
            let locationsOffset = place(RoutesFormat.Field.locationsOffset),
            let locationCapacity = place(RoutesFormat.Field.locationCapacity),
            let textsOffset = place(RoutesFormat.Field.textsOffset),
            let textsEnd = place(RoutesFormat.Field.textsEnd),
            // A file that was cut short has lost its end; a longer one is another one's.
            fileSize == size, indexCount > 0, indexCount <= 1 << 31,
            locationCapacity <= RoutesFormat.mostLocations,
            indexOffset >= RoutesFormat.headerSize, indexOffset % 8 == 0,
            indexCount * 8 <= size - min(size, indexOffset),
            recordsOffset % 8 == 0, recordsOffset <= recordsEnd, recordsEnd <= size,
            locationsOffset % 8 == 0,
            locationCapacity * RoutesFormat.locationSize <= size - min(size, locationsOffset),
            textsOffset % 2 == 0, textsOffset <= textsEnd, textsEnd <= size
        else { return nil }
        flaw = .none
        return RoutesView(
            base: base, size: size, indexOffset: indexOffset, indexCount: indexCount,
            recordsOffset: recordsOffset, recordsEnd: recordsEnd, locationsOffset: locationsOffset,
            locationCapacity: locationCapacity, textsOffset: textsOffset, textsEnd: textsEnd,
            firstSeed: number(RoutesFormat.Field.firstSeed),
            secondSeed: number(RoutesFormat.Field.secondSeed))
    }

    @inline(__always)
    package func word(at offset: Int) -> UInt64 {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(
            ordering: .acquiring)
    }

    package var state: UInt64 { word(at: RoutesFormat.Field.state) }
    /// Whether what it says counts: it isn't being made or mended.
    package var isReadable: Bool {
        let state = state
        return !isLost
            && (state == RoutesFormat.State.live || state == RoutesFormat.State.retired)
    }

    /// Whether announced domains are answered as ever. A clock that began anew with the machine says nothing of a lease of
    /// before.
    var isLeaseHeld: Bool {
        let (end, now) = (word(at: RoutesFormat.Field.leaseEnd), RoutesHandle.now())
        if end == RoutesFormat.endlessLease { return true }
        return !isOfOtherBoot && end > now && end &- now <= RoutesFormat.longestLease
    }

    package var visible: UInt64 { word(at: RoutesFormat.Field.visible) }

    package func hash(_ name: UnsafeRawPointer, _ count: Int) -> RouteHash {
        RouteHash(name, count, firstSeed, secondSeed)
    }

    // MARK: Finding

    package enum Search {
        /// Where its record is.
        case found(Int)
        /// The index entry where it would be.
        case absent(Int)
        /// No file of ours has names so far from their places.
        case astray
    }

    package func search(_ name: UnsafeRawPointer, _ count: Int) -> Search {
        let hash = hash(name, count)
        var slot = hash.slot(among: indexCount)
        for _ in 0..<min(indexCount, RoutesFormat.longestProbe) {
            let entry = word(at: indexOffset &+ slot &* 8)
            if entry == 0 { return .absent(slot) }
            if entry &>> 32 == hash.tag, let record = record(entry), isNamed(record, name, count) {
                return .found(record)
            }
            slot &+= 1
            if slot == indexCount { slot = 0 }
        }
        return .astray
    }

    /// Where an index entry leads; nil: out of the file.
    package func record(_ entry: UInt64) -> Int? {
        let unit = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF) &- 1
        let record = recordsOffset &+ unit &* RoutesFormat.recordUnit
        guard unit >= 0, record &+ RoutesFormat.recordHead <= recordsEnd else { return nil }
        return record
    }

    /// The bytes of a record's name; nil: it ends outside.
    package func nameCount(of record: Int) -> Int? {
        let count = Int(base.load(fromByteOffset: record &+ 16, as: UInt8.self))
        guard record &+ RoutesFormat.recordHead &+ count <= recordsEnd else { return nil }
        return count
    }

    private func isNamed(_ record: Int, _ name: UnsafeRawPointer, _ count: Int) -> Bool {
        guard nameCount(of: record) == count else { return false }
        let there = base + (record &+ RoutesFormat.recordHead)
        var place = 0
        while place &+ 8 <= count {
            guard
                there.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    == name.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            else { return false }
            place &+= 8
        }
        while place < count {
            guard
                there.load(fromByteOffset: place, as: UInt8.self)
                    == name.load(fromByteOffset: place, as: UInt8.self)
            else { return false }
            place &+= 1
        }
        return true
    }

    /// What a pair of words says as of a revision; nil: both have become newer meanwhile, and so has what is visible.
    ///
    /// The first word is read again after the second one, so that both stood there at one moment: the writer puts a new
    /// word in the place of the older one, and revisions only grow. Of what stood there then, the newest that isn't newer
    /// than `revision` is the one of it: docs/shared-routes.md has the argument.
    @inline(__always)
    package func current(at offset: Int, asOf revision: UInt64) -> RouteWord? {
        var one = word(at: offset)
        for _ in 0..<1_000 {
            let other = word(at: offset &+ 8)
            let again = word(at: offset)
            if again == one { return Self.newest(one, other, asOf: revision) }
            one = again
        }
        return nil
    }

    @inline(__always)
    static func newest(_ one: UInt64, _ other: UInt64, asOf revision: UInt64) -> RouteWord? {
        let (first, second) = (RouteWord(bits: one), RouteWord(bits: other))
        if first.revision <= revision {
            let isSecond = second.revision <= revision && second.revision > first.revision
            return isSecond ? second : first
        }
        return second.revision <= revision ? second : nil
    }

    /// The text of a location's upstream: where it begins and its length; nil: it's outside.
    package func upstream(_ word: RouteWord) -> (start: Int, count: Int)? {
        let start = textsOffset &+ word.textUnit &* RoutesFormat.textUnit
        guard start &+ 2 <= textsEnd else { return nil }
        let count = Int(base.load(fromByteOffset: start, as: UInt16.self))
        guard count <= RoutesFormat.longestUpstream, start &+ 2 &+ count <= textsEnd else {
            return nil
        }
        return (start &+ 2, count)
    }

    /// Where a location is; nil: outside.
    package func location(_ place: Int) -> Int? {
        place < locationCapacity ? locationsOffset &+ place &* RoutesFormat.locationSize : nil
    }

    // MARK: Answers

    package struct Answer {
        package var revision: UInt64
        package var mode: Int32
        package var fence: Int32
        /// The bytes of its location's name and of that one's upstream, in the file.
        package var locationStart: Int
        package var locationCount: Int
        package var upstreamStart: Int
        package var upstreamCount: Int

        /// The mode that counts now: whoever hasn't heard the registry for longer than his lease lasts lets no writes through
        /// to what is announced.
        package func effective(in view: RoutesView) -> (mode: Int32, isFenced: Bool) {
            guard fence > 0, !view.isLeaseHeld else { return (mode, false) }
            return (max(mode, fence), true)
        }
    }

    package enum Finding {
        case found(Answer)
        case unknown
        case notReady
    }

    /// - Parameter name: in canonical form.
    package func find(_ name: UnsafeRawPointer, _ count: Int) -> Finding {
        guard isReadable else { return .notReady }
        switch search(name, count) {
        case .absent: return .unknown
        case .astray: return .notReady
        case .found(let record): return answer(record)
        }
    }

    private func answer(_ record: Int) -> Finding {
        // Each turn means that a revision has become visible; a file that goes on so for ever isn't ours.
        for _ in 0..<1_000 {
            let revision = visible
            guard let domain = current(at: record, asOf: revision) else { continue }
            guard domain.isPresent else { return .unknown }
            guard let location = location(domain.location) else { return .notReady }
            guard let target = current(at: location, asOf: revision) else { continue }
            let nameCount = Int(base.load(fromByteOffset: location &+ 16, as: UInt8.self))
            guard target.isPresent, nameCount <= RoutesFormat.longestLocation, domain.mode <= 2,
                domain.fence <= 2, let upstream = upstream(target)
            else { return .notReady }
            return .found(
                Answer(
                    revision: domain.revision, mode: domain.mode, fence: domain.fence,
                    locationStart: location &+ 17, locationCount: nameCount,
                    upstreamStart: upstream.start, upstreamCount: upstream.count))
        }
        return .notReady
    }

    /// Sum and number of domains at the visible revision; nil: the writer has just gone on twice.
    package func sum() -> (revision: UInt64, low: UInt64, high: UInt64, domains: UInt64)? {
        for _ in 0..<1_000 {
            let revision = visible
            for place in 0..<2 {
                let offset = RoutesFormat.Field.sums &+ place &* RoutesFormat.sumSize
                guard word(at: offset) == revision else { continue }
                let found = (
                    revision, word(at: offset &+ 8), word(at: offset &+ 16), word(at: offset &+ 24)
                )
                if word(at: offset) == revision { return found }
            }
        }
        return nil
    }
}
