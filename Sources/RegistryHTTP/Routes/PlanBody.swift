import RegistryAPI
import RegistryModel

/// The body of `POST /v1/migrations`.
struct PlanBody {
    var plan: MigrationPlan
    let note: Note

    /// - Throws: `invalid-request` with everything that is wrong.
    init(_ body: JSONObjectReader) throws {
        var body = body
        let name = body.optionalString("name", minimum: 1, maximum: 100)
        let from = body.location("from")
        let to = body.location("to")
        if let from, from == to {
            body.refuse("to", "invalid", "a migration goes to another location")
        }
        let selection = Self.selection(&body)
        let waves = Self.waves(&body)
        let freeze = body.optionalChoice("freeze", FreezeMode.self) ?? .none
        note = body.note()
        try body.finishOrThrow()
        guard let from, let to, let selection else { throw Problem.internalError }
        plan = MigrationPlan(
            id: MigrationPlan.newID(), name: name ?? "\(from)-to-\(to)", from: from, to: to,
            selection: selection, waves: waves, freeze: freeze)
    }

    private static func selection(_ body: inout JSONObjectReader) -> Selection? {
        guard var select = body.object("select") else { return nil }
        defer { select.finish() }
        guard select.isObject else { return nil }
        let hasNames = select.has("fqdns")
        guard hasNames != select.has("where") else {
            body.refuse("select", "invalid", "either fqdns or where is expected")
            _ = select.has("sample_percent")
            return nil
        }
        return hasNames ? names(&select) : filter(&select)
    }

    private static func names(_ select: inout JSONObjectReader) -> Selection? {
        let elements = select.array("fqdns", minimum: 1, maximum: MigrationPlan.maximumNames)
        var names: [FQDN] = []
        names.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                select.refuse(
                    "fqdns", at: index, "wrong-type", "a string is expected, not \(element.kind)")
                continue
            }
            do throws(FQDN.Malformed) {
                names.append(try FQDN(text))
            } catch {
                select.refuse("fqdns", at: index, "invalid-fqdn", error.explanation)
            }
        }
        if select.has("sample_percent") {
            select.refuse("sample_percent", "invalid", "a sample is taken of a filter, not a list")
        }
        return .names(names)
    }

    private static func filter(_ select: inout JSONObjectReader) -> Selection? {
        guard var conditions = select.object("where") else { return nil }
        defer { conditions.finish() }
        var filter = DomainFilter()
        filter.suffix = conditions.suffix()
        filter.prefix = conditions.prefix()
        filter.tenant = conditions.tenant()
        if let text = conditions.optionalString("registered_before", maximum: 64) {
            filter.registeredBefore = Timestamp(rfc3339: text)
            if filter.registeredBefore == nil {
                conditions.refuse(
                    "registered_before", "invalid", "a time in RFC 3339 is expected")
            }
        }
        let percent = select.optionalNumber("sample_percent", above: 0, atMost: 100)
        return .filter(filter, sample: percent.flatMap { Sample(percent: $0) })
    }

    private static func waves(_ body: inout JSONObjectReader) -> [WaveSize] {
        guard body.has("waves") else { return [.rest] }
        var elements = body.objects("waves", minimum: 1, maximum: MigrationPlan.maximumWaves)
        return elements.indices.compactMap { index in
            let size = wave(&elements[index])
            if size == .rest, index < elements.count - 1 {
                body.refuse("waves", at: index, "invalid", "the rest comes last")
            }
            return size
        }
    }

    private static func wave(_ element: inout JSONObjectReader) -> WaveSize? {
        defer { element.finish() }
        guard element.isObject else { return nil }
        let kinds = ["count", "percent", "rest"].filter { element.has($0) }
        guard kinds.count == 1 else {
            element.refuse("count", "invalid", "either count, percent or rest is expected")
            return nil
        }
        switch kinds[0] {
        case "count":
            let range = 1...Int64(MigrationPlan.maximumNames)
            return element.integer("count", in: range).map { .count(Int($0)) }
        case "percent":
            return element.optionalNumber("percent", above: 0, atMost: 100).map { .percent($0) }
        default:
            guard element.bool("rest") == false else { return .rest }
            element.refuse("rest", "invalid", "rest is true or not there")
            return nil
        }
    }
}

extension JSONObjectReader {
    /// A location's name that must be there.
    fileprivate mutating func location(_ name: String) -> LocationName? {
        guard let text = string(name, maximum: 63) else { return nil }
        guard let location = LocationName(text) else {
            refuse(name, "invalid", "a location's name is expected")
            return nil
        }
        return location
    }
}
