import DNSQueries
import RegistryDNS

/// What a zone's own server has at certain names, as far as addresses go.
enum AskedNames {
    /// Asks for A and AAAA of each name, and blocks the thread meanwhile.
    ///
    /// - Throws: `unreachable` where a question has no answer, `refused` where the server doesn't have the zone.
    static func ask(
        _ names: [String], _ queries: NameServerQueries
    ) throws -> [String: AskedZonePart.Answer] {
        var found = [[DNSType: DNSReply]](repeating: [:], count: names.count)
        var (position, failure): (Int, CommandFailure?) = (0, nil)
        let types = [DNSType.ipv4, .ipv6]
        do throws(NameServerQueries.Unusable) {
            try queries.run(
                next: {
                    guard position < types.count * names.count else { return nil }
                    defer { position += 1 }
                    let number = position / types.count
                    return DNSQuestion(number, names[number], types[position % types.count])
                },
                receive: { question, outcome in
                    switch outcome {
                    case .answered(let reply) where reply.code == 0 || reply.code == 3:
                        found[question.number][question.type] = reply
                        return true
                    case .answered(let reply):
                        failure = .refused(
                            "\(queries.server) doesn't say what \(question.name) has: \(reply.codeName)"
                        )
                    case .failed(let why):
                        failure = .failed("\(queries.server): \(question.name): \(why)")
                    case .silent:
                        failure = .unreachable(
                            "\(queries.server) doesn't answer what \(question.name) has")
                    }
                    return false
                })
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        if let failure { throw failure }
        return Dictionary(
            uniqueKeysWithValues: zip(names, found).map { ($0, answer($0, Array($1.values))) })
    }

    private static func answer(
        _ name: String, _ replies: [DNSReply]
    ) -> AskedZonePart.Answer {
        let records = Dictionary(grouping: replies.flatMap(\.records), by: \.type)
        let sets = [DNSType.ipv4, .ipv6, .cname].compactMap { type -> RecordSet? in
            guard let found = records[type] else { return nil }
            // Either reply has the name's CNAME.
            return RecordSet(
                name: name, type: type.name, ttl: found.map(\.ttl).max() ?? 0,
                data: .values(Set(found.map(\.value)).sorted()))
        }
        let isThere = replies.allSatisfy { $0.code == 0 && $0.isAuthoritative }
        return AskedZonePart.Answer(sets, isThere: isThere)
    }
}
