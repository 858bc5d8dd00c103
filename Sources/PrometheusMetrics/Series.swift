import CoreMetrics
import Synchronization

/// One line of the exposition, or one histogram's lines.
protocol Series: AnyObject, Sendable {
    func render(_ name: String, _ labels: SeriesLabels, into text: inout String)
}

/// Labels in order of their names, rendered once.
struct SeriesLabels: Hashable, Comparable, Sendable {
    /// `method="GET",status="200"`; empty without labels.
    let text: String

    init(_ dimensions: [(String, String)]) {
        text = dimensions.sorted { $0.0 < $1.0 }
            .map { "\(MetricName.sanitized($0.0))=\"\(Self.escaped($0.1))\"" }
            .joined(separator: ",")
    }

    static func < (left: SeriesLabels, right: SeriesLabels) -> Bool { left.text < right.text }

    var inBraces: String { text.isEmpty ? "" : "{\(text)}" }

    func inBraces(le bound: String) -> String {
        "{\(text.isEmpty ? "" : text + ",")le=\"\(bound)\"}"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }
}

/// How Prometheus writes a number.
enum MetricNumber {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let integer = Int64(exactly: value) { return String(integer) }
        return String(value)
    }
}

final class CounterSeries: Series, CounterHandler {
    private let count = Atomic<Int64>(0)

    init() {}

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }

    /// A counter never goes back while the process lives.
    func reset() {}

    func render(_ name: String, _ labels: SeriesLabels, into text: inout String) {
        text += "\(name)\(labels.inBraces) \(count.load(ordering: .relaxed))\n"
    }
}

final class GaugeSeries: Series, RecorderHandler, MeterHandler {
    private let bits = Atomic<UInt64>(0)

    init() {}

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func increment(by amount: Double) { bits.add(amount) }
    func decrement(by amount: Double) { bits.add(-amount) }

    func render(_ name: String, _ labels: SeriesLabels, into text: inout String) {
        let value = Double(bitPattern: bits.load(ordering: .relaxed))
        text += "\(name)\(labels.inBraces) \(MetricNumber.text(value))\n"
    }
}

/// Durations in seconds, or any other values, in cumulative buckets.
final class HistogramSeries: Series, TimerHandler, RecorderHandler {
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private let bounds: [Double]
    /// One a bound, and one for what is above the last.
    private let cells: [Cell]
    private let sum = Atomic<UInt64>(0)

    init(bounds: [Double]) {
        self.bounds = bounds
        cells = (0...bounds.count).map { _ in Cell() }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func render(_ name: String, _ labels: SeriesLabels, into text: inout String) {
        var total: UInt64 = 0
        for (bound, cell) in zip(bounds.map(MetricNumber.text) + ["+Inf"], cells) {
            total += cell.count.load(ordering: .relaxed)
            text += "\(name)_bucket\(labels.inBraces(le: bound)) \(total)\n"
        }
        let sum = Double(bitPattern: sum.load(ordering: .relaxed))
        text += "\(name)_sum\(labels.inBraces) \(MetricNumber.text(sum))\n"
        text += "\(name)_count\(labels.inBraces) \(total)\n"
    }
}

extension Atomic where Value == UInt64 {
    /// Adds to a double that is kept as its bit pattern.
    fileprivate func add(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: current) + amount).bitPattern
            let (isExchanged, original) = weakCompareExchange(
                expected: current, desired: new, ordering: .relaxed)
            if isExchanged { return }
            current = original
        }
    }
}
