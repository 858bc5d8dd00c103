import DNSQueries
import RegistryDNS

/// Holds what a server answers against a zone's picture.
///
/// Of each name A and AAAA are asked for, also where it has only one of them: an address that a move left behind leads
/// visitors to the other location. Both answers have the name's CNAME, if there is one.
struct ZoneCheck {
    /// A name that is asked for, and what it has to have.
    struct Name {
        var name: String
        /// Of addresses and names.
        var wanted: [RecordSet]
        /// Whether it's one that the zone doesn't have, which a wildcard has to answer for.
        var isMadeUp = false
    }

    struct Result {
        /// A line each, in the order of the names.
        var differences: [String] = []
        /// Questions that nobody answered, though they were asked again.
        var silent = 0
        var asked = 0
        /// Whether the rest wasn't asked any more.
        var gaveUp = false
    }

    let queries: NameServerQueries
    /// Nil: any will do.
    let ttl: UInt32?

    /// Names below exceptions that are made up: one below each, up to so many exceptions.
    static let madeUpAtMost = 1000

    /// - Throws: `CommandFailure.unreachable` where nobody answers, `refused` where the server isn't the zone's.
    /// - Returns: the serial of the zone's SOA.
    func serial(of zone: String) throws -> String {
        var outcome = DNSOutcome.silent
        var questions = [DNSQuestion(0, zone, .soa)]
        try run(next: { questions.popLast() }) {
            outcome = $1
            return true
        }
        switch outcome {
        case .silent: throw unreachable
        case .failed(let why): throw CommandFailure.failed("\(queries.server): \(why)")
        case .answered(let reply):
            guard reply.code == 0, let serial = reply.records.first(where: { $0.type == .soa })
            else {
                throw CommandFailure.refused(
                    "\(queries.server) doesn't have the zone \(zone): \(reply.codeName)")
            }
            guard reply.isAuthoritative || queries.isRecursive else {
                throw CommandFailure.refused(
                    "\(queries.server) answers for \(zone) as a resolver does: --through-resolver asks one"
                )
            }
            return serial.value
        }
    }

    private var unreachable: CommandFailure {
        .unreachable("nobody answers DNS questions at \(queries.server)")
    }

    private func run(
        next: () -> DNSQuestion?, receive: (DNSQuestion, DNSOutcome) -> Bool
    ) throws {
        do throws(NameServerQueries.Unusable) {
            try queries.run(next: next, receive: receive)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
    }

    func check(_ names: [Name]) throws -> Result {
        var (result, patience) = (Result(), QueryPatience())
        var lines: [Int: [String]] = [:]
        var begun: [Int: Answers] = [:]
        var lost: [DNSQuestion] = []
        func note(_ question: DNSQuestion, _ outcome: DNSOutcome) {
            var answers = begun.removeValue(forKey: question.number) ?? Answers()
            answers.add(outcome, to: question.type)
            guard answers.areComplete else { return begun[question.number] = answers }
            let found = differences(of: names[question.number], answers)
            if !found.isEmpty { lines[question.number] = found }
        }
        var (position, waiting): (Int, [DNSQuestion]) = (0, [])
        try run(
            next: {
                if let question = waiting.popLast() { return question }
                guard position < names.count else { return nil }
                defer { position += 1 }
                waiting.append(DNSQuestion(position, names[position].name, .ipv6))
                return DNSQuestion(position, names[position].name, .ipv4)
            },
            receive: { question, outcome in
                result.asked += 1
                patience.note(isSilent: outcome == .silent)
                if outcome == .silent { lost.append(question) } else { note(question, outcome) }
                return !patience.isOver
            })
        result.gaveUp = patience.isOver
        if result.gaveUp {
            result.silent = lost.count
        } else {
            // The crowd is over.
            var again = lost
            patience = QueryPatience()
            try run(
                next: { again.popLast() },
                receive: { question, outcome in
                    patience.note(isSilent: outcome == .silent)
                    if outcome == .silent { result.silent += 1 }
                    note(question, outcome)
                    return !patience.isOver
                })
            result.gaveUp = patience.isOver
        }
        result.differences = lines.sorted { $0.key < $1.key }.flatMap(\.value)
        return result
    }

    /// What has been answered about a name.
    private struct Answers {
        var outcomes: [DNSType: DNSOutcome] = [:]
        var areComplete: Bool { outcomes.count == 2 }

        mutating func add(_ outcome: DNSOutcome, to type: DNSType) { outcomes[type] = outcome }
    }

    private func differences(of name: Name, _ answers: Answers) -> [String] {
        let title = name.isMadeUp ? "\(name.name) (made up)" : name.name
        let wanted = Dictionary(name.wanted.map { ($0.type, $0) }) { $1 }
        var lines: [String] = []
        var replies: [(type: DNSType, reply: DNSReply)] = []
        for type in [DNSType.ipv4, .ipv6] {
            switch answers.outcomes[type] {
            case .answered(let reply): replies.append((type, reply))
            case .failed(let why): lines.append("\(title) \(type.name): \(why)")
            case .silent, nil: lines.append("\(title) \(type.name): no answer")
            }
        }
        if let pointer = wanted["CNAME"], let first = replies.first {
            // Either answer has it; where there's none, whatever there is instead.
            let all = replies.flatMap(\.reply.records)
            let found = first.reply.records.filter { $0.type == .cname }
            let line = difference(title, pointer, has: found.isEmpty ? all : found, first.reply)
            return lines + [line].compactMap(\.self)
        }
        for (type, reply) in replies {
            let pointers = reply.records.filter { $0.type == .cname }
            let has = pointers.isEmpty ? reply.records.filter { $0.type == type } : pointers
            let line = difference(title, wanted[type.name], as: type, has: has, reply)
            if let line { lines.append(line) }
        }
        return lines
    }

    /// - Parameter type: of what is wanted, where nothing is.
    private func difference(
        _ title: String, _ wanted: RecordSet?, as type: DNSType = .cname,
        has records: [DNSReply.Record], _ reply: DNSReply
    ) -> String? {
        let subject = "\(title) \(wanted?.type ?? type.name)"
        let isOther = records.contains { $0.type.name != wanted?.type ?? type.name }
        let has =
            records.isEmpty
            ? "nothing" + (reply.code == 0 ? "" : " (\(reply.codeName))")
            : (isOther ? records[0].type.name + " " : "")
                + records.map(\.value).sorted().joined(separator: ", ")
        guard let wanted else {
            // An answer that there's nothing is as good whatever its reason, but a server that can't say is none.
            let isNothing = records.isEmpty && (reply.code == 0 || reply.code == 3)
            return isNothing ? nil : "\(subject): wants nothing, has \(has)"
        }
        switch wanted.data {
        case .alias(let alias):
            // Whatever addresses it has at the moment; a target may have one family alone.
            let isAnswered = !records.isEmpty || (wanted.type == "AAAA" && reply.code == 0)
            return isAnswered && !isOther
                ? nil : "\(subject): wants the alias \(alias.name.text), has \(has)"
        case .values(let values):
            guard !isOther, Set(records.map(\.value)) == Set(values) else {
                return "\(subject): wants \(values.joined(separator: ", ")), has \(has)"
            }
            guard let ttl else { return nil }
            let isKept = records.allSatisfy {
                queries.isRecursive ? $0.ttl <= max(ttl, wanted.ttl) : $0.ttl == wanted.ttl
            }
            return isKept
                ? nil : "\(subject): wants TTL \(wanted.ttl), has \(records.map(\.ttl).max() ?? 0)"
        }
    }
}

extension ZoneCheck {
    /// Every name of the picture that leads visitors somewhere; and, below the zone and its exceptions, names that aren't there.
    ///
    /// - Parameter label: of the names that are made up: one that no tenant has.
    static func names(_ exported: ExportedZone, zone: String, madeUp label: String) -> [Name] {
        let cuts = Set(
            exported.base.filter { ["NS", "DNAME"].contains($0.type) && $0.name != zone }.map(
                \.name)
        )
        let sets = (exported.picture + exported.base).filter { set in
            RecordSet.addressTypes.contains(set.type)
                && (cuts.isEmpty || !isBelow(set.name, cuts, zone))
        }
        let byName = Dictionary(grouping: sets, by: \.name)
        var names = byName.keys.sorted().map { Name(name: $0, wanted: byName[$0] ?? []) }
        let wildcards = names.filter { $0.name.hasPrefix("*.") }
        let step = max(1, wildcards.count / madeUpAtMost)
        for (number, wildcard) in wildcards.enumerated()
        where number % step == 0 || wildcard.name == "*." + zone {
            names.append(
                Name(
                    name: label + wildcard.name.dropFirst(), wanted: wildcard.wanted,
                    isMadeUp: true))
        }
        return names
    }

    /// Only these, whether the picture has records of theirs or leaves them to a wildcard.
    static func names(_ only: [String], _ exported: ExportedZone, zone: String) -> [Name] {
        let answers = ZoneAnswers(zone: zone, exported.picture + exported.base)
        return only.map { name in
            guard case .sets(let sets) = answers.answer(name) else {
                return Name(name: name, wanted: [])
            }
            return Name(
                name: name, wanted: sets.filter { RecordSet.addressTypes.contains($0.type) })
        }
    }

    /// Whether another server answers for the name.
    private static func isBelow(_ name: String, _ cuts: Set<String>, _ zone: String) -> Bool {
        var rest: String? = name
        while let name = rest, name != zone {
            if cuts.contains(name) { return true }
            rest = name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) }
        }
        return false
    }
}
