import Foundation
import RegistryModel
import RoutingTable
import Synchronization

/// A revision of many domains, with a reader that looks up a random name every 20 µs beside it.
func wave(_ table: CompactRoutingTable, names: Int, moved: Int) -> [String: Any] {
    let quiet = PacedReader(names: names)
    quiet.run(table) { Thread.sleep(forTimeInterval: 2) }
    var rounds: [Double] = []
    var processor: [Double] = []
    let during = PacedReader(names: names)
    for round in 0..<5 {
        guard let now = table.position?.revision.next else { break }
        var numbers = Array(0..<names)
        if names != moved || round > 0 { numbers.shuffle() }
        let changes = RevisionChanges(
            revision: now,
            domains: numbers.prefix(moved).map {
                .set(domain($0, at: round % 2 == 0 ? 1 : 0, revision: now.number))
            })
        during.run(table) {
            rounds.append(
                seconds { processor.append(processorSeconds { _ = table.apply(changes) }) })
        }
    }
    return [
        "domains": moved, "seconds": rounds.map(rounded),
        "processor_seconds": processor.map(rounded),
        "reader_quiet_ns": quiet.figures, "reader_meanwhile_ns": during.figures,
    ]
}

/// Microseconds for a revision of one domain.
func singleRevisions(_ table: CompactRoutingTable, names: Int) -> Double {
    let count = 100_000
    guard let first = table.position?.revision.next.number else { return 0 }
    let changes = (first..<first + Int64(count)).map { revision in
        RevisionChanges(
            revision: Revision(revision),
            domains: [.set(domain(Int.random(in: 0..<names), at: 1, revision: revision))])
    }
    return seconds { for change in changes { _ = table.apply(change) } } * 1e6 / Double(count)
}

final class PacedReader {
    private let sample: [FQDN]
    private var nanoseconds: [Int] = []

    init(names: Int) {
        sample = FindSample.hits(among: names, count: 200_000)
        nanoseconds.reserveCapacity(2_000_000)
    }

    func run(_ table: CompactRoutingTable, _ meanwhile: () -> Void) {
        let isOver = Atomic<Bool>(false)
        withThreads([{ self.read(table, until: isOver) }]) {
            meanwhile()
            isOver.store(true, ordering: .relaxed)
        }
    }

    private func read(_ table: CompactRoutingTable, until isOver: borrowing Atomic<Bool>) {
        var next = ContinuousClock.now
        var place = 0
        while !isOver.load(ordering: .relaxed) {
            next += .microseconds(20)
            while ContinuousClock.now < next {}
            let start = ContinuousClock.now
            _ = try? table.find(sample[place % sample.count])
            let end = ContinuousClock.now
            nanoseconds.append(Int(start.duration(to: end).components.attoseconds / 1_000_000_000))
            // Who was held up doesn't make up for it.
            next = max(next, end)
            place += 1
        }
    }

    var figures: [String: Int] {
        let sorted = nanoseconds.sorted()
        guard let last = sorted.last else { return [:] }
        return [
            "count": sorted.count, "p50": sorted[sorted.count / 2],
            "p99": sorted[sorted.count * 99 / 100], "p99.9": sorted[sorted.count * 999 / 1000],
            "max": last,
        ]
    }
}
