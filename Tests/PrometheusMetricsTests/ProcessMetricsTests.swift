#if os(Linux)
    import CoreMetrics
    import Foundation
    import Testing

    @testable import PrometheusMetrics

    @Suite("Process metrics") struct ProcessMetricsTests {
        private let registry = PrometheusRegistry()

        private func value(_ name: String) throws -> Double {
            let line = try #require(registry.lines(name + " ").first)
            return try #require(line.split(separator: " ").last.flatMap { Double($0) })
        }

        @Test func `are all there with their types`() {
            let types = registry.lines("# TYPE process_")
            #expect(
                types == [
                    "# TYPE process_cpu_seconds_total counter", "# TYPE process_open_fds gauge",
                    "# TYPE process_resident_memory_bytes gauge",
                    "# TYPE process_start_time_seconds gauge",
                ])
        }

        @Test func `are plausible`() throws {
            #expect((1e6...1e11).contains(try value("process_resident_memory_bytes")))
            #expect((0...1e5).contains(try value("process_cpu_seconds_total")))
            let age = Date().timeIntervalSince1970 - (try value("process_start_time_seconds"))
            #expect((-2...3_600).contains(age))
        }

        @Test func `count open descriptors`() throws {
            let before = try value("process_open_fds")
            let opened = (0..<50).map { _ in open("/dev/null", O_RDONLY) }
            let after = try value("process_open_fds")
            for descriptor in opened { close(descriptor) }
            // Other tests open and close some at the same time.
            #expect((30...70).contains(after - before))
        }

        @Test func `can't be had by another kind, nor twice`() {
            registry.makeCounter(label: "process_open_fds", dimensions: []).increment(by: 1)
            #expect(registry.lines("process_open_fds").count == 1)
        }

        @Test func `read past a program's odd name`() throws {
            let fields = "S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 4 0 1000 12345 300 18446744"
            let status = try #require(
                ProcessStatus(stat: "7 (a) b (c) \(fields)", ticksPerSecond: 100, pageSize: 4_096))
            #expect(status.cpuSeconds == 4)
            #expect(status.startedAfterBoot == 10)
            #expect(status.residentBytes == 300 * 4_096)
        }

        @Test(arguments: ["", "7 (a", "7 (a) S 1 2", "7 (a)"])
        func `of a line that is none are none`(line: String) {
            #expect(ProcessStatus(stat: line, ticksPerSecond: 100, pageSize: 4_096) == nil)
        }
    }
#endif
