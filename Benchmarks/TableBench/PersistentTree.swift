import HashTreeCollections
import RegistryModel
import Synchronization

/// The table as a persistent tree of swift-collections: a revision shares what it doesn't change with the
/// one before, and readers take the root under a lock.
final class PersistentTree: Sendable {
    private let root = Mutex(TreeDictionary<FQDN, Domain>())

    func load(names: Int) {
        var tree = TreeDictionary<FQDN, Domain>()
        for number in 0..<names { tree[fqdn(number)] = domain(number) }
        root.withLock { [tree] in $0 = tree }
    }

    func find(_ fqdn: FQDN) -> Domain? { root.withLock { $0 }[fqdn] }

    /// Beside readers, who keep what they have.
    func move(_ numbers: Range<Int>) {
        var tree = root.withLock { $0 }
        for number in numbers { tree[fqdn(number)] = domain(number, at: 1, revision: 2) }
        root.withLock { [tree] in $0 = tree }
    }
}

func treeFigures(names: Int) -> [String: Any] {
    let tree = PersistentTree()
    let before = residentBytes()
    let load = seconds { tree.load(names: names) }
    let bytes = Double(residentBytes() - before) / Double(names)
    return [
        "load_seconds": rounded(load), "resident_bytes_per_name": rounded(bytes),
        "find_ns": rounded(
            nanoseconds(FindSample.hits(among: names)) { _ = tree.find($0) }),
        "finds_per_second_one_thread": perSecond(threads: 1, among: names) { _ = tree.find($0) },
        "finds_per_second_two_threads": perSecond(threads: 2, among: names) { _ = tree.find($0) },
        "wave_seconds": rounded(seconds { tree.move(0..<min(names, 1_000_000)) }),
    ]
}
