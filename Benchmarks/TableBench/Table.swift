import RegistryModel
import RoutingTable

func tableFigures(_ table: CompactRoutingTable, names: Int) -> [String: Any] {
    let before = residentOctets()
    let loading = seconds { load(table, names: names) }
    var report: [String: Any] = [
        "load_seconds": rounded(loading),
        "octets_per_name": rounded(Double(table.octets) / Double(names)),
        "resident_octets_per_name": rounded(Double(residentOctets() - before) / Double(names)),
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
