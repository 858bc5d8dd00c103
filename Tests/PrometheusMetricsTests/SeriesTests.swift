import CoreMetrics
import PrometheusMetrics
import Testing

@Suite("A series") struct SeriesTests {
    private let registry = PrometheusRegistry(maximumSeries: 3, includesProcess: false)

    @Test func `a counter keeps its value across handlers`() {
        registry.makeCounter(label: "c", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        registry.makeCounter(label: "c", dimensions: [("b", "2"), ("a", "1")]).increment(by: 2)
        #expect(registry.lines("c{") == [#"c{a="1",b="2"} 3"#])
    }

    @Test func `whole and floating counters of one label add up`() {
        registry.makeCounter(label: "c", dimensions: []).increment(by: 1)
        registry.makeFloatingPointCounter(label: "c", dimensions: []).increment(by: 0.25)
        #expect(registry.lines("c ") == ["c 1.25"])
    }

    @Test func `a counter doesn't fall`() {
        registry.makeCounter(label: "c", dimensions: []).increment(by: -1)
        let floating = registry.makeFloatingPointCounter(label: "c", dimensions: [])
        for amount in [-1, .nan, .infinity] as [Double] { floating.increment(by: amount) }
        #expect(registry.lines("c ") == ["c 0"])
    }

    @Test func `a counter goes beyond the signed integers`() {
        let counter = registry.makeCounter(label: "c", dimensions: [])
        counter.increment(by: .max)
        counter.increment(by: .max)
        #expect(registry.lines("c ") == ["c 18446744073709551614"])
    }

    @Test func `a counter that is reset starts again at zero`() {
        let counter = registry.makeCounter(label: "c", dimensions: [])
        counter.increment(by: 5)
        counter.reset()
        #expect(registry.lines("c ") == ["c 0"])
    }

    @Test func `a meter and a gauge of one label are the same`() {
        let meter = registry.makeMeter(label: "g", dimensions: [])
        registry.makeRecorder(label: "g", dimensions: [], aggregate: false).record(10 as Int64)
        meter.increment(by: 2)
        meter.decrement(by: 0.5)
        #expect(registry.lines("g ") == ["g 11.5"])
    }

    @Test func `goes with the last of its handlers, and comes back at zero`() {
        let counters = (1...2).map { _ in
            registry.makeCounter(label: "c", dimensions: [("a", "1")])
        }
        let other = registry.makeCounter(label: "c", dimensions: [("a", "2")])
        counters[0].increment(by: 1)
        registry.destroyCounter(counters[0])
        #expect(registry.lines("c{") == [#"c{a="1"} 1"#, #"c{a="2"} 0"#])
        registry.destroyCounter(counters[1])
        #expect(registry.lines("c{") == [#"c{a="2"} 0"#])
        registry.destroyCounter(counters[1])
        other.increment(by: 3)
        _ = registry.makeCounter(label: "c", dimensions: [("a", "1")])
        #expect(registry.lines("c{") == [#"c{a="1"} 0"#, #"c{a="2"} 3"#])
    }

    @Test func `that goes makes room for another one`() {
        let gauges = (1...4).map {
            registry.makeRecorder(label: "g", dimensions: [("n", "\($0)")], aggregate: false)
        }
        // The fourth was never shown, and shares its storage with whoever else comes too late.
        registry.destroyRecorder(gauges[3])
        for gauge in gauges.prefix(3) { registry.destroyRecorder(gauge) }
        #expect(registry.lines("g") == [])
        _ = registry.makeRecorder(label: "g", dimensions: [("n", "4")], aggregate: false)
        #expect(registry.lines("g{") == [#"g{n="4"} 0"#])
    }

    @Test func `of a name that another kind has works and isn't exposed`() {
        registry.makeCounter(label: "x", dimensions: []).increment(by: 1)
        let before = registry.render()
        registry.makeTimer(label: "x", dimensions: [("a", "1")]).recordNanoseconds(1)
        registry.makeMeter(label: "x", dimensions: []).set(7.0)
        registry.makeRecorder(label: "x", dimensions: [], aggregate: true).record(1.0)
        #expect(registry.render() == before)
    }

    @Test func `isn't exposed where a recorder takes a timer's name`() {
        _ = registry.makeTimer(label: "x", dimensions: [])
        let before = registry.render()
        registry.makeRecorder(label: "x", dimensions: [], aggregate: true).record(1.0)
        #expect(registry.render() == before)
    }

    @Test func `isn't exposed where a histogram writes samples of its name`() {
        _ = registry.makeTimer(label: "x", dimensions: [])
        registry.makeCounter(label: "x_count", dimensions: []).increment(by: 1)
        #expect(registry.lines("x_count") == ["x_count 0"])
        registry.makeCounter(label: "y_sum", dimensions: []).increment(by: 1)
        _ = registry.makeTimer(label: "y", dimensions: [])
        #expect(registry.lines("y_") == ["y_sum 1"])
    }

    @Test func `of one name and several values keeps the greatest value`() {
        for values in [["1", "2"], ["2", "1"]] {
            registry.makeCounter(label: "c", dimensions: values.map { ("a", $0) }).increment(by: 1)
        }
        #expect(registry.lines("c{") == [#"c{a="2"} 2"#])
    }

    @Test func `beyond the limit is counted and not exposed`() {
        let counters = (1...5).map {
            registry.makeCounter(label: "c", dimensions: [("n", "\($0)")])
        }
        for counter in counters { counter.increment(by: 1) }
        #expect(registry.lines("c{") == [#"c{n="1"} 1"#, #"c{n="2"} 1"#, #"c{n="3"} 1"#])
        #expect(registry.lines("metrics_series_dropped") == ["metrics_series_dropped_total 2"])
        // The ones within it are still found, and other families have room.
        registry.makeCounter(label: "c", dimensions: [("n", "2")]).increment(by: 1)
        _ = registry.makeCounter(label: "d", dimensions: [("n", "9")])
        #expect(registry.lines("c{").contains(#"c{n="2"} 2"#))
        #expect(registry.lines("d{") == [#"d{n="9"} 0"#])
        #expect(registry.lines("metrics_series_dropped") == ["metrics_series_dropped_total 2"])
    }

    @Test func `beyond the limit shares its storage with the others there`() {
        let all = (1...6).map { registry.makeTimer(label: "t", dimensions: [("n", "\($0)")]) }
        #expect(all[3] === all[4])
        #expect(all[3] === all[5])
        #expect(all[3] !== all[2])
    }

    @Test func `can't take the name of the registry's own counter`() {
        registry.makeCounter(label: "c", dimensions: []).increment(by: 1)
        registry.makeMeter(label: "metrics_series_dropped_total", dimensions: []).set(7.0)
        #expect(registry.lines("metrics_series_dropped") == ["metrics_series_dropped_total 0"])
    }
}
