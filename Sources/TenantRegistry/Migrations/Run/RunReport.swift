import Foundation

/// What a run says while it goes: events on stdout, a bar with a countdown on stderr where that is a
/// terminal.
final class RunReport {
    enum Format: String, CaseIterable {
        case table, ndjson
    }

    private let format: Format
    private let migration: String
    private let total: Int
    private let bar: ProgressBar
    private var moved = 0
    private var hasHead = false

    /// - Parameter total: domains that the run is to move.
    init(_ format: Format, migration: String, total: Int) {
        self.format = format
        self.migration = migration
        self.total = total
        bar = ProgressBar(total: total)
    }

    func say(_ kind: RunEvent.Kind, wave: Int? = nil, _ fill: (inout RunEvent) -> Void = { _ in }) {
        var event = RunEvent(kind, migration, wave: wave)
        fill(&event)
        switch kind {
        case .moved: moved += event.count ?? 0
        case .rolledBack: moved -= event.count ?? 0
        default: break
        }
        bar.clear()
        if format == .table, !hasHead { write(RunEvent.tableHead) }
        hasHead = true
        write(format == .table ? event.row : event.json)
    }

    /// What is under way, on a terminal.
    func show(_ text: String) {
        bar.update(moved, text: "\(moved) of \(total) domains; \(text)")
    }

    /// A hint, on stderr.
    func hint(_ text: String) {
        bar.clear()
        StandardError.write(text)
    }

    /// A reader that is gone doesn't end a run in the middle of a wave: unlike elsewhere, a line that
    /// nobody takes is let go.
    private func write(_ line: String) {
        _ = StandardOutput.offer(Array((line + "\n").utf8))
    }
}
