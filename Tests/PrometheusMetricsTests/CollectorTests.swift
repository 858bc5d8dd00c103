import CoreMetrics
import PrometheusMetrics
import Synchronization
import Testing

@Suite("A collector") struct CollectorTests {
    @Test func `runs before each rendering`() {
        let registry = PrometheusRegistry(includesProcess: false)
        let gauge = registry.makeRecorder(label: "g", dimensions: [], aggregate: false)
        let calls = SharedCount()
        registry.register { gauge.record(Int64(calls.next())) }
        #expect(registry.lines("g ") == ["g 1"])
        #expect(registry.lines("g ") == ["g 2"])
    }

    @Test func `may make handlers and register collectors`() {
        let registry = PrometheusRegistry(includesProcess: false)
        registry.register { [weak registry] in
            registry?.makeCounter(label: "c", dimensions: []).increment(by: 1)
            registry?.register {}
        }
        #expect(registry.lines("c ") == ["c 1"])
    }

    @Test func `doesn't keep a registry that it holds weakly`() {
        weak var gone: PrometheusRegistry?
        do {
            let registry = PrometheusRegistry()
            gone = registry
            #expect(!registry.render().isEmpty)
        }
        #expect(gone == nil)
    }
}

final class SharedCount: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
