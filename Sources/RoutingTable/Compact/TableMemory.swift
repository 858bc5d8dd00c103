import Synchronization

/// Where the table's memory comes from: counts it, so that a test sees what isn't given back and an
/// operator what the table costs.
final class TableMemory: Sendable {
    private let octetsInUse = Atomic<Int>(0)
    private let blocksInUse = Atomic<Int>(0)

    /// Octets allocated and not yet given back.
    var octets: Int { octetsInUse.load(ordering: .relaxed) }
    var blocks: Int { blocksInUse.load(ordering: .relaxed) }

    func allocate<Element: ~Copyable>(
        _ type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        note(MemoryLayout<Element>.stride * count, 1)
        return .allocate(capacity: count)
    }

    /// - Parameter count: as it was allocated.
    func free<Element: ~Copyable>(_ pointer: UnsafeMutablePointer<Element>, count: Int) {
        note(-MemoryLayout<Element>.stride * count, -1)
        pointer.deallocate()
    }

    private func note(_ octets: Int, _ blocks: Int) {
        octetsInUse.wrappingAdd(octets, ordering: .relaxed)
        blocksInUse.wrappingAdd(blocks, ordering: .relaxed)
    }
}
