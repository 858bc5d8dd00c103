import RegistryAPI
import RegistryClient
import RegistryModel

/// Writes history to stdout as it comes in: any size, one piece at a time.
struct HistoryPrinter {
    let format: OutputFormat

    func print(
        _ registry: RegistryClient, of fqdn: String?, _ query: [(String, String?)]
    ) async throws {
        switch format {
        case .table:
            try await registry.historyItems(of: fqdn, filter: query) { item, _ in
                StandardOutput.write(HistoryLine(item).text + "\n")
            }
        case .json:
            var isFirst = true
            try await registry.historyItems(of: fqdn, filter: query) { _, line in
                StandardOutput.write(Array((isFirst ? "[" : ",\n ").utf8) + line)
                isFirst = false
            }
            StandardOutput.write(isFirst ? "[]\n" : "]\n")
        case .ndjson, .csv, .spreadsheet:
            let type: MediaType = format == .ndjson ? .ndjson : .csv
            let purpose = [("for", format == .spreadsheet ? "spreadsheet" : nil)]
            try await registry.history(of: fqdn, filter: query + purpose, as: type) { piece in
                StandardOutput.write(Array(piece.readableBytesView))
            }
        }
    }
}

/// What is written after a moment, as it is written: one stream after the other, each from where the
/// one before ended, by revision.
struct HistoryFollower {
    let registry: RegistryClient
    let fqdn: String?
    let filter: [(String, String?)]
    let format: OutputFormat

    /// Between two questions.
    private static let pause = Duration.seconds(1)

    /// - Parameter first: lines of what is past, to begin with.
    func run(first: Int) async throws {
        var lines: [String] = []
        let found = try await registry.historyItems(
            of: fqdn, filter: filter + [("limit", String(first))]
        ) { lines.append(text($0, $1)) }
        guard var position = found else { throw Self.withoutPosition }
        lines.reversed().forEach { StandardOutput.write($0) }
        var isSilent = false
        while true {
            try await Task.sleep(for: Self.pause)
            do {
                position = try await proceed(from: position)
                isSilent = false
            } catch ClientError.unreachable(let what) {
                // The service restarts now and then; what it writes meanwhile isn't lost.
                if !isSilent { StandardError.write("no answer from \(what); trying again\n") }
                isSilent = true
            }
        }
    }

    private func proceed(from position: Position) async throws -> Position {
        // A piece of an answer that breaks off would come again: a whole one is shown at once, and
        // long ones are rare here.
        var lines: [String] = []
        let next = try await registry.historyItems(
            of: fqdn,
            filter: filter + [
                ("order", "asc"), ("after", position.description),
            ]
        ) { lines.append(text($0, $1)) }
        guard let next else { throw Self.withoutPosition }
        guard next.epoch == position.epoch, next.revision >= position.revision else {
            throw CommandFailure.failed(
                "the registry was restored from a backup: its history isn't the one that was followed"
            )
        }
        lines.forEach { StandardOutput.write($0) }
        return next
    }

    private static let withoutPosition = ClientError.unreadable("X-Registry-Revision is missing")

    private func text(_ item: HistoryEntry, _ line: [UInt8]) -> String {
        (format == .table ? HistoryLine(item).text : String(decoding: line, as: UTF8.self)) + "\n"
    }
}

/// One change as a person reads it:
/// `2020-06-21 00:00:03  moved  acme.kintone.com  japan → aws  by ops-laptop  wave 3 of 2020-q2  CHG-1234`
struct HistoryLine {
    let text: String

    init(_ item: HistoryEntry) {
        let parts = [
            Self.time(item.at.description), item.action, item.fqdn ?? item.subject,
            Self.change(item.before, item.after), "by \(item.actor.name)", Self.wave(item),
            item.ticket, item.reason.map { "“\($0)”" },
            item.overrideReason.map { "override: “\($0)”" },
            item.allowsSplit ? "allow split" : nil,
        ]
        text = Listing.printable(
            parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "  "))
    }

    /// `2020-06-21T00:00:03.000Z` in UTC, to the second.
    private static func time(_ text: String) -> String {
        String(text.prefix(19)).replacing("T", with: " ")
    }

    private static func wave(_ item: HistoryEntry) -> String? {
        guard let migration = item.migration else { return nil }
        return item.wave.map { "wave \($0) of \(migration)" } ?? "migration \(migration)"
    }

    /// What differs, and always the location of a domain.
    private static func change(
        _ before: HistoryEntry.State?, _ after: HistoryEntry.State?
    ) -> String {
        [words(before, beside: after), "→", words(after, beside: before)]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func words(
        _ state: HistoryEntry.State?, beside other: HistoryEntry.State?
    ) -> String {
        guard let state else { return "" }
        func differing<Value: Equatable>(_ field: KeyPath<HistoryEntry.Other, Value?>) -> Value? {
            let own = state.other?[keyPath: field]
            return own == other?.other?[keyPath: field] ? nil : own
        }
        // Of a domain, or of what a held name is to be.
        func placement(_ state: HistoryEntry.State?) -> PlacementText? {
            state?.placement ?? state?.other?.placement
        }
        let (own, others) = (placement(state) ?? PlacementText(), placement(other))
        let isServed = own.mode == "serve" && (others?.mode ?? "serve") == "serve"
        let tenant =
            own.tenant == others?.tenant ? nil : own.tenant.map { "(\($0))" } ?? "(no tenant)"
        let parts = [
            own.location, isServed ? nil : own.mode, own.fence.map { "announced \($0)" },
            own.location == nil || others == nil && own.tenant == nil ? nil : tenant,
            differing(\.heldUntil).map { "until \(time($0))" }, differing(\.role),
            differing(\.name), differing(\.upstream),
            differing(\.acceptsSignups).map { $0 ? "open" : "closed" },
            differing(\.defaultForSignups).map { $0 ? "default" : "not default" },
            differing(\.dns).map { "dns \($0.text)" },
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}
