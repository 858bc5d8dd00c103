import Foundation
import RegistryModel
import RoutingTable

// Measures the routing table at one size, or what could stand in its place, and prints JSON.
//
//     TableBench NAMES [DOMAINS-IN-THE-LARGE-REVISION]
//     TableBench NAMES --no-waves      lookups and memory alone
//     TableBench NAMES --dictionary    a dictionary behind a lock
//     TableBench NAMES --tree          a persistent tree
//
// One size and one type a process: what another has left in the allocator would blur the memory figures.

let arguments = CommandLine.arguments.dropFirst()
let numbers = arguments.compactMap { Int($0) }
let names = numbers.first ?? 1_000_000

var report: [String: Any] = ["names": names]
if arguments.contains("--dictionary") {
    report.merge(dictionaryFigures(names: names)) { $1 }
} else if arguments.contains("--tree") {
    report.merge(treeFigures(names: names)) { $1 }
} else {
    let table = CompactRoutingTable()
    report.merge(tableFigures(table, names: names)) { $1 }
    if !arguments.contains("--no-waves") {
        let moved = min(names, numbers.count > 1 ? numbers[1] : 1_000_000)
        report["revision_of_one_us"] = rounded(singleRevisions(table, names: names))
        report["large_revision"] = wave(table, names: names, moved: moved)
        report["bytes_per_name_after"] = rounded(Double(table.bytes) / Double(names))
    }
}

let json = try JSONSerialization.data(
    withJSONObject: report, options: [.prettyPrinted, .sortedKeys])
print(String(decoding: json, as: UTF8.self))
