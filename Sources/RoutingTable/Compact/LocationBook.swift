import RegistryModel

/// The writer's list of locations: the number that stands for each in the records, and how many
/// domains it holds.
///
/// A number is given again only when its location is gone and holds no domain. A reader looks
/// numbers up in the list of its own revision.
struct LocationBook {
    struct Count {
        var domains = 0
        /// Domains whose mode isn't `serve`.
        var notServed = 0
    }

    private(set) var entries: [LocationEntry] = []
    /// Of all domains and locations.
    private(set) var digest = TableDigest()
    /// By number.
    private(set) var counts: [Count] = []
    private var numbers: [LocationName: UInt16] = [:]
    private var free: [UInt16] = []
    /// Whether a location that isn't declared has a number.
    private var mayHaveUnused = false
    private var last: (name: LocationName, number: UInt16)?
    /// The list for readers, until the next change.
    private var list: LocationList?

    var total: Int { counts.reduce(0) { $0 + $1.domains } }

    mutating func apply(_ change: RevisionChanges.LocationChange) {
        switch change {
        case .set(let location):
            let number = Int(number(of: location.name))
            forget(number)
            entries[number].upstream = location.settings.upstream
            entries[number].isDeclared = true
            digest.add(location.name, upstream: location.settings.upstream)
        case .gone(let name):
            guard let number = numbers[name] else { return }
            forget(Int(number))
            entries[Int(number)].upstream = nil
            entries[Int(number)].isDeclared = false
            mayHaveUnused = true
        }
        list = nil
    }

    private mutating func forget(_ number: Int) {
        guard let upstream = entries[number].upstream else { return }
        digest.remove(entries[number].name, upstream: upstream)
    }

    /// Whether all of a revision's locations will have numbers. Asked before anything is changed.
    func hasRoom(for changes: some RevisionSource) -> Bool {
        let left = RecordWords.locationLimit - entries.count + free.count
        // Nearly always so: nobody looks at the names.
        if changes.locations.count + changes.count <= left { return true }
        var new: Set<LocationName> = []
        for case .set(let location) in changes.locations where numbers[location.name] == nil {
            new.insert(location.name)
        }
        var last: LocationName?
        changes.forEach { _, entry in
            guard let location = entry?.location, location != last else { return }
            last = location
            if numbers[location] == nil { new.insert(location) }
        }
        return new.count <= left
    }

    /// The same for one more.
    func hasRoom(for name: LocationName) -> Bool {
        entries.count < RecordWords.locationLimit || !free.isEmpty || numbers[name] != nil
    }

    mutating func number(of name: LocationName) -> UInt16 {
        if let last, last.name == name { return last.number }
        let number = numbers[name] ?? add(name)
        last = (name, number)
        return number
    }

    private mutating func add(_ name: LocationName) -> UInt16 {
        let entry = LocationEntry(name: name, upstream: nil, isDeclared: false)
        list = nil
        mayHaveUnused = true
        if let number = free.popLast() {
            entries[Int(number)] = entry
            numbers[name] = number
            return number
        }
        // `hasRoom` was asked first.
        precondition(entries.count < RecordWords.locationLimit, "at most 65,536 locations")
        let number = UInt16(entries.count)
        entries.append(entry)
        counts.append(Count())
        numbers[name] = number
        return number
    }

    /// Counts a domain's change, and takes it into the digest.
    ///
    /// - Parameter shard: has the name, and the texts of both.
    mutating func note(
        _ name: UnsafeRawBufferPointer, _ before: RecordWords, became after: RecordWords,
        in shard: Shard
    ) {
        note(before, by: -1)
        note(after, by: 1)
        if before.isPresent { digest.subtract(hash(name, before, in: shard)) }
        if after.isPresent { digest.add(hash(name, after, in: shard)) }
    }

    private func hash(
        _ name: UnsafeRawBufferPointer, _ words: RecordWords, in shard: Shard
    ) -> TableDigest {
        TableDigest.hash(
            name, words.view(at: entries[words.location].name, in: shard.index.pointee))
    }

    private mutating func note(_ words: RecordWords, by difference: Int) {
        guard words.isPresent else { return }
        counts[words.location].domains += difference
        if words.mode != .serve { counts[words.location].notServed += difference }
    }

    /// After a revision: numbers of locations that are neither declared nor used can be given again.
    mutating func tidy() {
        guard mayHaveUnused else { return }
        mayHaveUnused = false
        last = nil
        for (name, number) in numbers where !entries[Int(number)].isDeclared {
            if counts[Int(number)].domains > 0 {
                mayHaveUnused = true
            } else {
                numbers[name] = nil
                free.append(number)
            }
        }
    }

    /// The list as it is now, for readers.
    mutating func published(_ memory: TableMemory) -> LocationList {
        if let list { return list }
        let new = LocationList(memory, entries)
        list = new
        return new
    }
}

struct LocationEntry {
    var name: LocationName
    var upstream: UpstreamURL?
    /// Whether the location is there, not only mentioned by domains.
    var isDeclared: Bool
}

/// The locations at one moment, for readers, by number: it never changes.
final class LocationList {
    let entries: UnsafeMutablePointer<LocationEntry>
    /// Numbers of those that are there, by name.
    let order: UnsafeMutablePointer<UInt16>
    let orderCount: Int

    private let memory: TableMemory
    private let count: Int

    init(_ memory: TableMemory, _ list: [LocationEntry]) {
        self.memory = memory
        count = list.count
        entries = memory.allocate(LocationEntry.self, count: count)
        for number in list.indices { (entries + number).initialize(to: list[number]) }
        let sorted = list.indices.filter { list[$0].isDeclared }
            .sorted { list[$0].name < list[$1].name }
        orderCount = sorted.count
        order = memory.allocate(UInt16.self, count: count)
        for place in sorted.indices { order[place] = UInt16(sorted[place]) }
    }

    deinit {
        entries.deinitialize(count: count)
        memory.free(entries, count: count)
        memory.free(order, count: count)
    }
}
