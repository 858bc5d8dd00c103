import Foundation
import RegistryModel
import Synchronization

func seconds(_ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    body()
    return start.duration(to: .now) / .seconds(1)
}

/// Of this thread's processor time: what else runs on the machine takes none of it.
func processorSeconds(_ body: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    body()
    return now() - start
}

/// For one of `sample`: the best of five rounds, because everything else on the machine only adds.
func nanoseconds(_ sample: [FQDN], _ body: (FQDN) -> Void) -> Double {
    (0..<5).map { _ in processorSeconds { for name in sample { body(name) } } }.min().map {
        $0 * 1e9 / Double(sample.count)
    } ?? 0
}

func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

/// What the process has in memory.
func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let fields = text.split(separator: " ").compactMap { Int($0) }
    return fields.count > 1 ? fields[1] * 4096 : 0
}

/// All threads together, each with names of its own, over one second.
func perSecond(
    threads: Int, among names: Int, _ body: @escaping @Sendable (FQDN) -> Void
) -> Int {
    let samples = (0..<threads).map { _ in FindSample.hits(among: names, count: 500_000) }
    let isOver = Atomic<Bool>(false)
    let total = Atomic<Int>(0)
    withThreads(
        samples.map { sample in
            {
                var count = 0
                while !isOver.load(ordering: .relaxed) {
                    for name in sample[(count % 500_000)...].prefix(1_000) { body(name) }
                    count += 1_000
                }
                total.wrappingAdd(count, ordering: .relaxed)
            }
        }
    ) {
        Thread.sleep(forTimeInterval: 1)
        isOver.store(true, ordering: .relaxed)
    }
    return total.load(ordering: .relaxed)
}

/// Runs each of `bodies` in a thread of its own, and `meanwhile` in this one, until all are through.
func withThreads(_ bodies: [() -> Void], _ meanwhile: () -> Void) {
    let done = DispatchGroup()
    for body in bodies {
        nonisolated(unsafe) let body = body
        done.enter()
        Thread {
            body()
            done.leave()
        }.start()
    }
    meanwhile()
    done.wait()
}
