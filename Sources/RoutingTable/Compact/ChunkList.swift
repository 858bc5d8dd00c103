import Synchronization

/// What readers see of a `ChunkList`: the addresses of its chunks.
///
/// The array of addresses is replaced by a longer one when it's full. A reader gets a place from a
/// word that was released after the array that has it; so it finds the chunk.
struct ChunkAddresses: ~Copyable {
    typealias Chunk = UnsafeMutablePointer<Atomic<UInt64>>

    let array: Atomic<UnsafeMutablePointer<Chunk>>

    /// The writer's.
    func publish(_ new: UnsafeMutablePointer<Chunk>) {
        guard array.load(ordering: .relaxed) != new else { return }
        array.store(new, ordering: .releasing)
    }

    func address(of place: Int) -> UnsafeMutableRawPointer {
        let chunk = array.load(ordering: .acquiring)[place &>> ChunkList.chunkBits]
        return UnsafeMutableRawPointer(chunk) + place & (ChunkList.chunkSize &- 1)
    }
}

/// Memory that grows by chunks of one size and never moves. Only the writer appends.
///
/// A place is the chunk's number times the size of a chunk, plus the offset in it. What doesn't fit
/// into a chunk gets one of its own, of its own size.
final class ChunkList {
    static let chunkBits = 13
    static let chunkSize = 1 << chunkBits

    /// The chunks' addresses, for readers. A longer array takes its place when it's full.
    private(set) var array: UnsafeMutablePointer<ChunkAddresses.Chunk>

    private let memory: TableMemory
    private var capacity = 2
    /// In bytes, by chunk.
    private var sizes: [Int] = []
    private var usedOfLast = 0
    /// Readers may still be in them. All of them together are smaller than the present one.
    private var outgrown: [(array: UnsafeMutablePointer<ChunkAddresses.Chunk>, capacity: Int)] = []

    init(_ memory: TableMemory) {
        self.memory = memory
        array = memory.allocate(ChunkAddresses.Chunk.self, count: capacity)
    }

    deinit {
        for number in sizes.indices { memory.free(array[number], count: sizes[number] / 8) }
        for old in outgrown { memory.free(old.array, count: old.capacity) }
        memory.free(array, count: capacity)
    }

    var chunkCount: Int { sizes.count }

    /// Room for `bytes`, zero at first.
    func append(_ bytes: Int, alignment: Int) -> Int {
        var offset = (usedOfLast + alignment - 1) & ~(alignment - 1)
        if offset + bytes > sizes.last ?? 0 {
            addChunk(atLeast: bytes)
            offset = 0
        }
        usedOfLast = offset + bytes
        return (sizes.count - 1) << Self.chunkBits + offset
    }

    func address(of place: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(array[place >> Self.chunkBits]) + place & (Self.chunkSize - 1)
    }

    /// - Parameter body: takes a chunk's beginning and its size in bytes.
    func forEachChunk(_ body: (UnsafeMutableRawPointer, Int) -> Void) {
        for number in sizes.indices {
            body(UnsafeMutableRawPointer(array[number]), sizes[number])
        }
    }

    private func addChunk(atLeast bytes: Int) {
        if sizes.count == capacity { growArray() }
        let size = max(Self.chunkSize, (bytes + 7) & ~7)
        let chunk = memory.allocate(Atomic<UInt64>.self, count: size / 8)
        for word in 0..<size / 8 { (chunk + word).initialize(to: Atomic(0)) }
        array[sizes.count] = chunk
        sizes.append(size)
    }

    private func growArray() {
        let longer = memory.allocate(ChunkAddresses.Chunk.self, count: capacity * 2)
        longer.initialize(from: array, count: capacity)
        outgrown.append((array, capacity))
        array = longer
        capacity *= 2
    }
}
