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
    private let octetsInUse = Atomic<Int>(0)
    private let blocksInUse = Atomic<Int>(0)
    private let mostOctets = Atomic<Int>(0)

    /// Octets allocated and not yet given back.
    var octets: Int { octetsInUse.load(ordering: .relaxed) }
    /// The most that `octets` has been.
    var peak: Int { mostOctets.load(ordering: .relaxed) }
    var blocks: Int { blocksInUse.load(ordering: .relaxed) }

    func allocate<Element: ~Copyable>(
        _ type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        let octets = MemoryLayout<Element>.stride * count
        note(octets, 1)
        guard octets >= Self.pagesFrom else { return .allocate(capacity: count) }
        let pages = mmap(
            nil, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let pages, pages != MAP_FAILED else {
            preconditionFailure("there is no memory for the table")
        }
        return pages.bindMemory(to: Element.self, capacity: count)
    }

    /// Octets from which on a block has pages of its own.
    private static let pagesFrom = 1 << 17

    /// - Parameter count: as it was allocated.
    func free<Element: ~Copyable>(_ pointer: UnsafeMutablePointer<Element>, count: Int) {
        let octets = MemoryLayout<Element>.stride * count
        note(-octets, -1)
        guard octets >= Self.pagesFrom else { return pointer.deallocate() }
        munmap(pointer, octets)
    }

    private func note(_ octets: Int, _ blocks: Int) {
        let now = octetsInUse.wrappingAdd(octets, ordering: .relaxed).newValue
        if octets > 0 { mostOctets.max(now, ordering: .relaxed) }
        blocksInUse.wrappingAdd(blocks, ordering: .relaxed)
    }
}
