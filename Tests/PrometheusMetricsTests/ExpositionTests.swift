import CoreMetrics
import PrometheusMetrics
import Testing

@Suite("The exposition") struct ExpositionTests {
    @Test func `is exact to the byte`() {
        let registry = PrometheusRegistry(
            help: ["requests_total": "Requests answered.", "size": "Sizes."],
            buckets: ["size": [4, 1, 2, 2, .infinity], "wait_seconds": [0.5, 1]],
            includesProcess: false)
        let get = registry.makeCounter(label: "requests_total", dimensions: [("method", "GET")])
        let put = registry.makeCounter(label: "requests_total", dimensions: [("method", "PUT")])
        let size = registry.makeRecorder(label: "size", dimensions: [], aggregate: true)
        let wait = registry.makeTimer(label: "wait_seconds", dimensions: [("what", "disk")])
        let level = registry.makeMeter(label: "level", dimensions: [])
        put.increment(by: 2)
        get.increment(by: 40)
        for value in [1, 2, 3, 5] as [Int64] { size.record(value) }
        size.record(0.25)
        for value in [500_000_000, 500_000_001, 1_000_000_001] as [Int64] {
            wait.recordNanoseconds(value)
        }
        level.set(1.5)

        #expect(
            registry.render() == """
                # HELP level level
                # TYPE level gauge
                level 1.5
                # HELP metrics_series_dropped_total Handlers refused by the series limit.
                # TYPE metrics_series_dropped_total counter
                metrics_series_dropped_total 0
                # HELP requests_total Requests answered.
                # TYPE requests_total counter
                requests_total{method="GET"} 40
                requests_total{method="PUT"} 2
                # HELP size Sizes.
                # TYPE size histogram
                size_bucket{le="1"} 2
                size_bucket{le="2"} 3
                size_bucket{le="4"} 4
                size_bucket{le="+Inf"} 5
                size_sum 11.25
                size_count 5
                # HELP wait_seconds wait_seconds
                # TYPE wait_seconds histogram
                wait_seconds_bucket{what="disk",le="0.5"} 1
                wait_seconds_bucket{what="disk",le="1"} 2
                wait_seconds_bucket{what="disk",le="+Inf"} 3
                wait_seconds_sum{what="disk"} 2.000000002
                wait_seconds_count{what="disk"} 3

                """)
    }

    @Test func `has the duration buckets for a timer that asks for none`() {
        let registry = PrometheusRegistry(includesProcess: false)
        _ = registry.makeTimer(label: "t_seconds", dimensions: [])
        let bounds = registry.lines("t_seconds_bucket").map { $0.split(separator: "\"")[1] }
        #expect(
            bounds == [
                "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
                "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
            ])
    }

    @Test func `puts every duration below its bound and not below the one before`() {
        let registry = PrometheusRegistry(
            buckets: ["t": PrometheusRegistry.durationBuckets], includesProcess: false)
        let timer = registry.makeTimer(label: "t", dimensions: [])
        for bound in PrometheusRegistry.durationBuckets {
            timer.recordNanoseconds(Int64((bound * 1e9).rounded()))
        }
        let counts = registry.lines("t_bucket").compactMap { $0.split(separator: " ").last }
        #expect(counts.map(String.init) == (1...15).map(String.init) + ["15"])
    }

    @Test func `counts a negative duration as none`() {
        let registry = PrometheusRegistry(buckets: ["t": [1]], includesProcess: false)
        registry.makeTimer(label: "t", dimensions: []).recordNanoseconds(-5)
        #expect(
            registry.lines("t_") == [
                #"t_bucket{le="1"} 1"#, #"t_bucket{le="+Inf"} 1"#, "t_sum 0", "t_count 1",
            ])
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (-0.5, "-0.5"), (3, "3"),
        (-0.0, "0"), (1e300, "1e+300"), (9_007_199_254_740_992, "9007199254740992.0"),
    ])
    func `writes a gauge's value`(value: Double, text: String) {
        let registry = PrometheusRegistry(includesProcess: false)
        registry.makeRecorder(label: "g", dimensions: [], aggregate: false).record(value)
        #expect(registry.lines("g ") == ["g \(text)"])
    }

    @Test func `leaves NaN out of a histogram and keeps infinities`() {
        let registry = PrometheusRegistry(buckets: ["h": [1]], includesProcess: false)
        let recorder = registry.makeRecorder(label: "h", dimensions: [], aggregate: true)
        recorder.record(Double.nan)
        recorder.record(Double.infinity)
        #expect(
            registry.lines("h_") == [
                #"h_bucket{le="1"} 0"#, #"h_bucket{le="+Inf"} 1"#, "h_sum +Inf", "h_count 1",
            ])
    }

    @Test func `escapes label values and help texts`() {
        let registry = PrometheusRegistry(
            help: ["c": "a \\ and\na \"quote\""], includesProcess: false)
        _ = registry.makeCounter(label: "c", dimensions: [("v", "a \\ and\na \"quote\", é\r\n")])
        #expect(
            registry.render().hasPrefix(
                "# HELP c a \\\\ and\\na \"quote\"\n# TYPE c counter\n"
                    + "c{v=\"a \\\\ and\\na \\\"quote\\\", é\r\\n\"} 0\n"))
    }

    @Test func `replaces what a name may not hold`() {
        let registry = PrometheusRegistry(help: ["9.a:b-ü": "Odd."], includesProcess: false)
        _ = registry.makeCounter(label: "9.a:b-ü", dimensions: [("x:y", "1"), ("2 z", "2")])
        _ = registry.makeCounter(label: "", dimensions: [])
        #expect(registry.lines("_") == [#"_ 0"#, #"_9_a:b__{_2_z="2",x_y="1"} 0"#])
        #expect(registry.render().contains("# HELP _9_a:b__ Odd.\n"))
    }

    @Test func `keeps a caller's le apart from a histogram's`() {
        let registry = PrometheusRegistry(buckets: ["h": []], includesProcess: false)
        _ = registry.makeTimer(label: "h", dimensions: [("le", "x")])
        _ = registry.makeCounter(label: "c", dimensions: [("le", "x")])
        #expect(registry.lines("h_bucket") == [#"h_bucket{exported_le="x",le="+Inf"} 0"#])
        #expect(registry.lines("c{") == [#"c{le="x"} 0"#])
    }

    @Test func `is the same whatever order series were made in`() {
        let labels = (0..<100).map { "v\($0)" }
        let outputs = [labels, labels.reversed(), labels.shuffled()].map { labels in
            let registry = PrometheusRegistry(includesProcess: false)
            for label in labels {
                _ = registry.makeCounter(label: "c_\(label)", dimensions: [])
                _ = registry.makeMeter(label: "g", dimensions: [("l", label)])
            }
            return registry.render()
        }
        #expect(outputs[0] == outputs[1])
        #expect(outputs[0] == outputs[2])
    }
}

extension PrometheusRegistry {
    /// The sample lines that begin so.
    func lines(_ prefix: String) -> [String] {
        render().split(separator: "\n").filter { $0.hasPrefix(prefix) }.map(String.init)
    }
}
