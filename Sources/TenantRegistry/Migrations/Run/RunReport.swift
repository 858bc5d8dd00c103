import Foundation
import RegistryAPI
import RegistryModel

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

/// Something that happened in a run.
struct RunEvent {
    /// The words of `event` in NDJSON: stable.
    enum Kind: String {
        case started, announced, frozen, moved, thawed
        case rolledBack = "rolled_back"
        case beforeCutoverSucceeded = "before_cutover_succeeded"
        case beforeCutoverFailed = "before_cutover_failed"
        case baking
        case checkSucceeded = "check_succeeded"
        case checkFailed = "check_failed"
        case pausing, conflict, failed, interrupted, finished
    }

    var time: Timestamp
    var kind: Kind
    var migration: String
    var wave: Int?
    var revision: Revision?
    /// Domains.
    var count: Int?
    var tookMilliseconds: Int?
    var deadline: Timestamp?
    /// How long what begins now takes.
    var seconds: Int?
    /// Of the problem that the service answered with.
    var code: String?
    var conflict: WaveConflict?
    var detail: String?

    init(_ kind: Kind, _ migration: String, wave: Int? = nil) {
        time = SystemClock.now()
        self.kind = kind
        self.migration = migration
        self.wave = wave
    }

    /// One line of NDJSON, without its end.
    var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("time", Cell(time))
        writer.field("event", .text(kind.rawValue))
        writer.field("migration", .text(migration))
        writer.field("wave", Cell(wave))
        writer.field("revision", Cell(revision))
        writer.field("count", Cell(count))
        writer.field("took_ms", Cell(tookMilliseconds))
        writer.field("deadline", Cell(deadline))
        writer.field("seconds", Cell(seconds))
        writer.field("code", Cell(code))
        conflict?.writeMembers(to: &writer)
        writer.field("detail", Cell(detail))
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// One line for people, in columns; `tableHead` is above them.
    var row: String {
        let texts = [
            time.description, wave.map(String.init) ?? "", kind.rawValue,
            count.map(String.init) ?? "", revision?.description ?? "", note,
        ]
        return Self.columns(texts.map { Listing.printable($0) })
    }

    static let tableHead = columns(["TIME", "WAVE", "EVENT", "DOMAINS", "REVISION", "NOTE"])

    private static func columns(_ texts: [String]) -> String {
        let widths = [24, 4, 24, 7, 8]
        let padded = zip(texts, widths).map { TerminalWidth.padded($0, to: $1) }
        var line = (padded + texts.dropFirst(widths.count)).joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }

    private var note: String {
        let parts = [
            tookMilliseconds.map { "\($0) ms" }, deadline.map { "until \($0)" },
            seconds.map { TimeSpan(seconds: $0).description }, conflict.map(\.words),
            detail,
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
}

extension WaveConflict {
    /// For people: `a.kintone.com is aws read_only, expected aws serve`.
    var words: String {
        let words = { (place: Place) in "\(place.location) \(place.mode.rawValue)" }
        let found = found.map(words) ?? "released"
        let held = reason == .frozen ? ", held by another wave" : ""
        guard let expected else {
            let what = reason == .frozen ? "is of" : "has come to"
            return "\(fqdn) \(what) a tenant of the wave's: \(found)\(held)"
        }
        return "\(fqdn) is \(found)\(held), expected \(words(expected))"
    }
}
