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
}
