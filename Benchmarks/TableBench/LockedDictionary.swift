import RegistryModel
import Synchronization

/// The table as it was before: a dictionary, and one lock for everybody.
final class LockedDictionary: Sendable {
    private let domains = Mutex([FQDN: Domain]())

    func load(names: Int) {
        domains.withLock { domains in
            domains.reserveCapacity(names)
            for number in 0..<names { domains[fqdn(number)] = domain(number) }
        }
    }

    func find(_ fqdn: FQDN) -> Domain? { domains.withLock { $0[fqdn] } }
}

func dictionaryFigures(names: Int) -> [String: Any] {
    let dictionary = LockedDictionary()
    let before = residentBytes()
    let load = seconds { dictionary.load(names: names) }
    let bytes = Double(residentBytes() - before) / Double(names)
    let find = nanoseconds(FindSample.hits(among: names)) { _ = dictionary.find($0) }
    return [
        "load_seconds": rounded(load), "resident_bytes_per_name": rounded(bytes),
        "find_ns": rounded(find),
        "finds_per_second_one_thread": perSecond(threads: 1, among: names) {
            _ = dictionary.find($0)
        },
        "finds_per_second_two_threads": perSecond(threads: 2, among: names) {
            _ = dictionary.find($0)
        },
    ]
}
