import CoreMetrics
import Dispatch
import PrometheusMetrics
import Testing

@Suite("Many threads", .timeLimit(.minutes(15))) struct ConcurrentRecordingTests {
    private let threads = 16
    private let rounds = 5_000
    private let registry = PrometheusRegistry(
        buckets: ["h": [1, 2], "t": [0.5]], includesProcess: false)

    @Test func `lose no increment`() {
        let registry = registry
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            // Each makes its own handlers, half of them with the labels the other way round.
            let labels = [("a", "1"), ("b", "2")]
            let counter = registry.makeCounter(
                label: "c", dimensions: thread.isMultiple(of: 2) ? labels : labels.reversed())
            let floating = registry.makeFloatingPointCounter(label: "f", dimensions: [])
            let meter = registry.makeMeter(label: "m", dimensions: [])
            for _ in 0..<rounds {
                counter.increment(by: 3)
                floating.increment(by: 0.5)
                meter.increment(by: 2)
                meter.decrement(by: 1)
            }
        }
        let total = threads * rounds
        #expect(registry.lines("c{") == [#"c{a="1",b="2"} \#(3 * total)"#])
        #expect(registry.lines("f ") == ["f \(total / 2)"])
        #expect(registry.lines("m ") == ["m \(total)"])
    }

    @Test func `lose no observation`() {
        let registry = registry
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            let recorder = registry.makeRecorder(label: "h", dimensions: [], aggregate: true)
            let timer = registry.makeTimer(label: "t", dimensions: [])
            for round in 0..<rounds {
                recorder.record(Int64(round % 4))
                timer.recordNanoseconds(round.isMultiple(of: 2) ? 250_000_000 : 750_000_000)
            }
        }
        let total = threads * rounds
        #expect(
            registry.lines("h_") == [
                #"h_bucket{le="1"} \#(total / 2)"#, #"h_bucket{le="2"} \#(total / 4 * 3)"#,
                #"h_bucket{le="+Inf"} \#(total)"#, "h_sum \(total / 2 * 3)", "h_count \(total)",
            ])
        #expect(
            registry.lines("t_") == [
                #"t_bucket{le="0.5"} \#(total / 2)"#, #"t_bucket{le="+Inf"} \#(total)"#,
                "t_sum \(total / 2)", "t_count \(total)",
            ])
    }

    @Test func `see whole histograms while others write`() {
        let registry = registry
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            let timer = registry.makeTimer(label: "t", dimensions: [])
            for round in 0..<500 {
                guard thread == 0 else {
                    timer.recordNanoseconds(Int64(round) * 2_000_000)
                    _ = registry.makeCounter(label: "c", dimensions: [("n", "\(thread)-\(round)")])
                    continue
                }
                let counts = registry.lines("t_").filter { !$0.hasPrefix("t_sum") }
                    .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
                #expect(counts.count == 3)
                #expect(counts[0] <= counts[1])
                #expect(counts[1] == counts[2])
            }
        }
        #expect(registry.lines("t_count") == ["t_count 1500"])
        #expect(registry.lines("c{").count == 1_000)
        #expect(registry.lines("metrics_series_dropped") == ["metrics_series_dropped_total 500"])
    }

    @Test func `two thousand series render in a moment`() {
        for number in 0..<1_000 {
            let labels = [("route", "/v1/domains/\(number)"), ("method", "GET"), ("status", "200")]
            registry.makeCounter(label: "requests_total", dimensions: labels).increment(by: 1)
            registry.makeTimer(label: "duration_seconds", dimensions: labels)
                .recordNanoseconds(1_234_567)
        }
        var lines = 0
        let time = ContinuousClock().measure {
            lines = registry.render().utf8.count { $0 == UInt8(ascii: "\n") }
        }
        #expect(lines == 1_000 + 18_000 + 4 + 3)
        // 30 ms in a release build; the limit is for a debug build on a busy machine.
        #expect(time < .seconds(5))
    }
}
