import Synchronization

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
