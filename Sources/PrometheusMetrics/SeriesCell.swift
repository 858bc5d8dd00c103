import CoreMetrics
import Synchronization

/// The storage of one series. Handlers with the same label and dimensions share it.
///
/// All atomics are relaxed: each value stands for itself, and a scrape that sees one value a moment
/// before another is no worse than a scrape a moment earlier.
protocol SeriesCell: AnyObject, Sendable {
    /// What stands after `# TYPE`.
    static var type: String { get }
    /// The endings of the names it writes samples under.
    static var suffixes: [String] { get }
    /// A label name the format uses itself.
    static var reservedLabel: String? { get }

    func write(to text: inout ExpositionText, name: String, labels: String)
}

extension SeriesCell {
    static var suffixes: [String] { [""] }
    static var reservedLabel: String? { nil }
}

extension Atomic where Value == Double {
    func add(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let (isDone, original) = weakCompareExchange(
                expected: current, desired: current + amount, ordering: .relaxed)
            if isDone { return }
            current = original
        }
    }
}

/// Whole and fractional increments, kept apart so that whole ones stay exact and need one
/// instruction.
///
/// Negative and non-finite increments are ignored: a counter doesn't fall. Whole increments wrap
/// at 2^64, which Prometheus takes for a restart.
final class CounterCell: SeriesCell, CounterHandler, FloatingPointCounterHandler {
    static let type = "counter"

    private let whole = Atomic<UInt64>(0)
    private let fractional = Atomic<Double>(0)

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fractional.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fractional.store(0, ordering: .relaxed)
    }

    func write(to text: inout ExpositionText, name: String, labels: String) {
        let whole = whole.load(ordering: .relaxed)
        let fractional = fractional.load(ordering: .relaxed)
        text.sample(
            name, labels: labels,
            fractional == 0 ? .whole(whole) : .floating(Double(whole) + fractional))
    }
}

/// A value that goes both ways. Integers beyond 2^53 are rounded.
final class GaugeCell: SeriesCell, RecorderHandler, MeterHandler {
    static let type = "gauge"

    private let value = Atomic<Double>(0)

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.store(value, ordering: .relaxed) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }

    func write(to text: inout ExpositionText, name: String, labels: String) {
        text.sample(name, labels: labels, .floating(value.load(ordering: .relaxed)))
    }
}

/// A counter that somebody else keeps and that is read at each scrape.
final class ReadCounterCell: SeriesCell {
    static let type = "counter"

    private let value = Atomic<Double>(0)

    func set(_ value: Double) { self.value.store(value, ordering: .relaxed) }

    func write(to text: inout ExpositionText, name: String, labels: String) {
        text.sample(name, labels: labels, .floating(value.load(ordering: .relaxed)))
    }
}
