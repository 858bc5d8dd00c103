import RegistryAPI
import RegistryModel

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
        func differing<Value: Equatable>(_ field: KeyPath<HistoryEntry.State, Value?>) -> Value? {
            state[keyPath: field] == other?[keyPath: field] ? nil : state[keyPath: field]
        }
        let isServed = state.mode == "serve" && (other?.mode ?? "serve") == "serve"
        let tenant =
            state.tenant == other?.tenant ? nil : state.tenant.map { "(\($0))" } ?? "(no tenant)"
        let parts = [
            state.location, isServed ? nil : state.mode,
            state.location == nil || other == nil && state.tenant == nil ? nil : tenant,
            differing(\.role), differing(\.name), differing(\.upstream),
            differing(\.acceptsSignups).map { $0 ? "open" : "closed" },
            differing(\.defaultForSignups).map { $0 ? "default" : "not default" },
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}
