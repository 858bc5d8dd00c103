import RegistryModel

/// History as CSV: a header line, and one line an item. What isn't there is empty.
///
/// The columns only ever grow at the end. A change of something else than a domain has its subject in
/// `subject`, and its states as JSON in `before` and `after`.
package struct HistoryCSV: Sendable {
    package private(set) var bytes: [UInt8] = []

    package static let columns = [
        "revision", "at", "action", "fqdn", "before_location", "before_mode", "before_tenant",
        "after_location", "after_mode", "after_tenant", "subject", "before", "after",
        "actor_token", "actor_name", "actor_role", "reason", "ticket", "migration", "wave",
        "override_reason", "request_id",
    ]

    package static let header = CSV.octets(of: columns)

    private let isForSpreadsheet: Bool

    package init(forSpreadsheet: Bool = false) {
        isForSpreadsheet = forSpreadsheet
    }

    package mutating func add(_ item: HistoryItem) {
        let header = item.header
        field(String(header.revision.number))
        next(header.at.description)
        next(item.change.action.rawValue)
        if case .domain(let fqdn, let before, let after, _) = item.change.subject {
            next(fqdn.text)
            placement(before)
            placement(after)
            for _ in 0..<3 { next(nil) }
        } else {
            for _ in 0..<7 { next(nil) }
            details(JSONValue(of: item))
        }
        next(header.actor.token)
        next(header.actor.name)
        next(header.actor.role.rawValue)
        next(header.note.reason)
        next(header.note.ticket)
        next(header.migration)
        next(header.wave.map(String.init))
        next(header.overrideReason)
        next(header.requestID)
        CSV.endLine(&bytes)
    }

    private mutating func field(_ text: String?) {
        guard let text else { return }
        CSV.append(isForSpreadsheet ? SpreadsheetText.inert(text) : text, to: &bytes)
    }

    private mutating func next(_ text: String?) {
        bytes.append(UInt8(ascii: ","))
        field(text)
    }

    private mutating func placement(_ placement: Placement?) {
        next(placement?.location.text)
        next(placement?.mode.rawValue)
        next(placement?.tenant)
    }

    /// Subject, before and after, in the very words of the JSON item.
    private mutating func details(_ item: JSONValue) {
        guard case .object(let members) = item else { return }
        for name in ["subject", "before", "after"] {
            switch members.first(where: { $0.key == name })?.value {
            case .string(let text): next(text)
            case nil, .null: next(nil)
            case .some(let value):
                var writer = JSONWriter()
                writer.write(value)
                next(String(decoding: writer.bytes, as: UTF8.self))
            }
        }
    }
}

extension JSONValue {
    fileprivate init(of item: HistoryItem) {
        var writer = JSONWriter()
        writer.write(item)
        // What the writer wrote reads back.
        self = (try? JSONValue(parsing: writer.bytes)) ?? .null
    }
}
