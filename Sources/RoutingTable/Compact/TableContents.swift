import RegistryModel
import Synchronization

/// What the table holds, as the writer sees it: shards and locations.
struct TableContents {
    let memory: TableMemory
    var shards: ShardMap
    var locations = LocationBook()
    /// Whether something was left out because there's no room for it.
    private(set) var isOverfull = false

    init(_ memory: TableMemory, expecting names: Int = 0) {
        self.memory = memory
        shards = ShardMap(memory, expecting: names)
    }

    /// Puts a location into contents that no reader sees yet.
    mutating func load(_ location: Location) {
        guard locations.hasRoom(for: location.name) else { return isOverfull = true }
        locations.apply(.set(location))
    }

    /// Puts a domain into contents that no reader sees yet. The last of two with one name counts.
    mutating func load(_ domain: Domain) {
        guard locations.hasRoom(for: domain.location) else { return isOverfull = true }
        domain.withView { name, view in
            let (record, shard) = findOrAdd(name, NameHash(name))
            let before = record.current
            let after = words(of: view, in: shard, before: before)
            locations.note(name, before, became: after, in: shard)
            shard.note(before, became: after)
            record.write(after)
        }
    }

    /// What a record says of a domain.
    mutating func words(of domain: DomainView, in shard: Shard, before: RecordWords) -> RecordWords
    {
        RecordWords(
            domain, location: locations.number(of: domain.location),
            texts: texts(domain.texts, in: shard, before: before.texts),
            revision: RecordWords.clamp(domain.revision), nameLength: before.nameLength)
    }

    /// - Returns: nil for a name without a record.
    func find(_ name: UnsafeRawBufferPointer, _ hash: NameHash) -> (Record, Shard)? {
        let shard = shards.shard(of: hash)
        return shard.index.pointee.find(name, hash).map { ($0, shard) }
    }

    /// Makes the shard anew where it has no room: records found earlier may then be found elsewhere.
    mutating func findOrAdd(_ name: UnsafeRawBufferPointer, _ hash: NameHash) -> (Record, Shard) {
        if let found = find(name, hash) { return found }
        while !shards.shard(of: hash).hasRoom { shards.renew(hash) }
        let shard = shards.shard(of: hash)
        return (shard.add(name, hash), shard)
    }

    /// The place of a domain's texts, the former one where they're the same.
    private func texts(_ text: UnsafeRawBufferPointer?, in shard: Shard, before: Int) -> Int {
        guard let text else { return 0 }
        if before != 0, shard.index.pointee.texts(before).elementsEqual(text) { return before }
        return shard.addTexts(text)
    }
}

extension RecordWords {
    static func clamp(_ revision: Revision) -> UInt64 {
        min(UInt64(clamping: revision.number), revisionLimit - 1)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the table's memory comes from: counts it, so that a test sees what isn't given back and an
/// operator what the table costs.
///
/// Large blocks are pages of their own, which the system has back the moment they're freed: what a wave
/// needs for a second must not stay with the process.
final class TableMemory: Sendable {
    private let bytesInUse = Atomic<Int>(0)
    private let blocksInUse = Atomic<Int>(0)
    private let mostBytes = Atomic<Int>(0)

    /// Bytes allocated and not yet given back.
    var bytes: Int { bytesInUse.load(ordering: .relaxed) }
    /// The most that `bytes` has been.
    var peak: Int { mostBytes.load(ordering: .relaxed) }
    var blocks: Int { blocksInUse.load(ordering: .relaxed) }

    func allocate<Element: ~Copyable>(
        _ type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        let bytes = MemoryLayout<Element>.stride * count
        note(bytes, 1)
        guard bytes >= Self.pagesFrom else { return .allocate(capacity: count) }
        let pages = mmap(
            nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let pages, pages != MAP_FAILED else {
            preconditionFailure("there is no memory for the table")
        }
        return pages.bindMemory(to: Element.self, capacity: count)
    }

    /// Bytes from which on a block has pages of its own.
    private static let pagesFrom = 1 << 17

    /// - Parameter count: as it was allocated.
    func free<Element: ~Copyable>(_ pointer: UnsafeMutablePointer<Element>, count: Int) {
        let bytes = MemoryLayout<Element>.stride * count
        note(-bytes, -1)
        guard bytes >= Self.pagesFrom else { return pointer.deallocate() }
        munmap(pointer, bytes)
    }

    private func note(_ bytes: Int, _ blocks: Int) {
        let now = bytesInUse.wrappingAdd(bytes, ordering: .relaxed).newValue
        if bytes > 0 { mostBytes.max(now, ordering: .relaxed) }
        blocksInUse.wrappingAdd(blocks, ordering: .relaxed)
    }
}
