import RegistryModel
import RoutingTable

func tableFigures(_ table: CompactRoutingTable, names: Int) -> [String: Any] {
    let before = residentBytes()
    let loading = seconds { load(table, names: names) }
    var report: [String: Any] = [
        "load_seconds": rounded(loading),
        "bytes_per_name": rounded(Double(table.bytes) / Double(names)),
        "resident_bytes_per_name": rounded(Double(residentBytes() - before) / Double(names)),
    ]
    report["find_ns"] = rounded(
        nanoseconds(FindSample.hits(among: names)) { _ = try? table.find($0) })
    report["find_unknown_ns"] = rounded(
        nanoseconds(FindSample.misses(among: names)) { _ = try? table.find($0) })
    report["route_ns"] = rounded(
        nanoseconds(FindSample.hits(among: names)) { _ = try? table.route($0) })
    for (threads, word) in [(1, "one_thread"), (2, "two_threads")] {
        report["finds_per_second_\(word)"] = perSecond(threads: threads, among: names) {
            _ = try? table.find($0)
        }
        report["routes_per_second_\(word)"] = perSecond(threads: threads, among: names) {
            _ = try? table.route($0)
        }
    }
    return report
}
