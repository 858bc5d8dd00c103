import Foundation
import RegistryModel
import RoutingTable

// Measures the routing table at one size, beside a dictionary behind a lock and a persistent tree, and prints JSON.
//
//     TableBench [names] [domains in the large revision]
//
// One size a process: what an earlier size has left in the allocator would blur the memory figures.

let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
let names = (arguments.first ?? nil) ?? 1_000_000
let moved = min(names, arguments.count > 1 ? arguments[1] ?? names : min(names, 1_000_000))

var report: [String: Any] = ["names": names]
let table = CompactRoutingTable()

let residentBefore = residentOctets()
report["load_seconds"] = rounded(seconds { load(table, names: names) })
report["octets_per_name"] = rounded(Double(table.octets) / Double(names))
report["resident_octets_per_name"] = rounded(
    Double(residentOctets() - residentBefore) / Double(names))

report["find_ns"] = rounded(nanoseconds(FindSample.hits(among: names)) { _ = try? table.find($0) })
report["find_unknown_ns"] = rounded(
    nanoseconds(FindSample.misses(among: names)) { _ = try? table.find($0) })
report["route_ns"] = rounded(
    nanoseconds(FindSample.hits(among: names)) { _ = try? table.route($0) })
report["finds_per_second_two_threads"] = perSecond(threads: 2, among: names) {
    _ = try? table.find($0)
}
report["finds_per_second_one_thread"] = perSecond(threads: 1, among: names) {
    _ = try? table.find($0)
}
report["routes_per_second_two_threads"] = perSecond(threads: 2, among: names) {
    _ = try? table.route($0)
}
report["routes_per_second_one_thread"] = perSecond(threads: 1, among: names) {
    _ = try? table.route($0)
}
report["revision_of_one_us"] = rounded(singleRevisions(table, names: names))
report["large_revision"] = wave(table, names: names, moved: moved)
report["octets_per_name_after"] = rounded(Double(table.octets) / Double(names))

if names <= 10_000_000, !CommandLine.arguments.contains("--no-dictionary") {
    report["dictionary"] = dictionaryFigures(names: names)
    report["tree"] = treeFigures(names: names)
}

let json = try JSONSerialization.data(
    withJSONObject: report, options: [.prettyPrinted, .sortedKeys])
print(String(decoding: json, as: UTF8.self))
