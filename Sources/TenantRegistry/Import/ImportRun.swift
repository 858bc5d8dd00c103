import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// One import: rows in, batches out, what was bad said with its line.
struct ImportRun {
    let registry: RegistryClient
    let allowsNested: Bool
    let allowsSplit: Bool
    let note: Note
    /// Rows in one call; the service takes 10,000 and 4 MiB.
    static let batchSize = 2000

    private let id = UUID().uuidString
    private(set) var registered = 0
    private(set) var refused = 0
    /// Columns that no domain has.
    private(set) var leftBehind = 0
    private var batches = 0

    init(
        registry: RegistryClient, allowsNested: Bool = false, allowsSplit: Bool = false, note: Note
    ) {
        self.registry = registry
        (self.allowsNested, self.allowsSplit) = (allowsNested, allowsSplit)
        self.note = note
    }

    mutating func run(_ rows: inout RowReader, progress: ProgressBar) async throws {
        var batch: [(line: Int, row: BatchRegistration.Row)] = []
        while let row = try rows.next() {
            switch row.content {
            case .success(let content): batch.append((row.line, content))
            case .failure(let bad): report(row.line, bad.fqdn, bad.code, bad.detail, progress)
            }
            if batch.count == Self.batchSize {
                try await send(batch, progress)
                batch.removeAll(keepingCapacity: true)
                progress.update(rows.bytesRead, text: summary)
            }
        }
        if !batch.isEmpty { try await send(batch, progress) }
        tell(rows, progress)
        progress.finish(summary)
    }

    private mutating func tell(_ rows: RowReader, _ progress: ProgressBar) {
        if !rows.notCarried.isEmpty {
            let names = rows.notCarried.sorted().joined(separator: ", ")
            progress.interrupt("not carried over, being of the registry it's from: \(names)\n")
        }
        for (name, count) in rows.leftBehind.sorted(by: { $0.key < $1.key }) {
            leftBehind += 1
            let column = name.isEmpty ? "a column without a name" : "column \(name.prefix(80))"
            let words = "left behind: \(column), with \(MigrationView.count(count, "value"))"
            progress.interrupt(Listing.printable(words) + "\n")
        }
    }

    /// Why it isn't all that was to be imported; nil where it is.
    var failure: CommandFailure? {
        var parts: [String] = []
        if refused > 0 { parts.append("\(MigrationView.count(refused, "row")) refused") }
        if leftBehind > 0 {
            parts.append("\(MigrationView.count(leftBehind, "column")) left behind")
        }
        return parts.isEmpty ? nil : .failed(parts.joined(separator: ", "))
    }

    private var summary: String { "\(registered) registered, \(refused) refused" }

    private mutating func send(
        _ batch: [(line: Int, row: BatchRegistration.Row)], _ progress: ProgressBar
    ) async throws {
        batches += 1
        let answer = try await Retry.calling {
            try await registry.registerBatch(
                batch.map(\.row), allowsNested: allowsNested, allowsSplit: allowsSplit, note: note,
                idempotencyKey: "import-\(id)-\(batches)")
        }
        for (sent, result) in zip(batch, answer.results) {
            if let code = result.code {
                report(sent.line, sent.row.fqdn, code, nil, progress)
            } else {
                registered += 1
            }
        }
    }

    private mutating func report(
        _ line: Int, _ fqdn: String, _ code: String, _ detail: String?, _ progress: ProgressBar
    ) {
        refused += 1
        let words = "line \(line): \(fqdn): \(code)\(detail.map { " (\($0))" } ?? "")"
        progress.interrupt(Listing.printable(words) + "\n")
    }
}
