import Synchronization

/// Things that come in part by part.
final class Accumulator<Element: Sendable>: Sendable {
    private let elements = Mutex([Element]())

    func add(_ more: [Element]) {
        elements.withLock { $0 += more }
    }

    func take() -> [Element] {
        elements.withLock { elements in
            defer { elements = [] }
            return elements
        }
    }
}
