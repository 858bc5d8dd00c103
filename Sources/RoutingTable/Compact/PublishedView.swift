import RegistryModel
import Synchronization

/// The view that readers find, and the gate that they come through.
final class PublishedView: @unchecked Sendable {
    let gate = ReaderGate()
    private let current = Atomic<UnsafeMutablePointer<TableView>?>(nil)

    /// - Throws: `notReady` until a view has been published.
    func read<Value>(
        _ body: (borrowing TableView) -> Value
    ) throws(RegistryError) -> Value {
        let counter = gate.enter()
        defer { gate.leave(counter) }
        guard let view = current.load(ordering: .sequentiallyConsistent) else { throw .notReady }
        return body(view.pointee)
    }

    /// The writer's.
    func publish(_ view: UnsafeMutablePointer<TableView>) {
        current.store(view, ordering: .sequentiallyConsistent)
    }
}
