import CLDNS
import RegistryModel

/// Reads the operator's master file with ldns, and refuses what ldns lets pass.
struct MasterFileReader {
    private let bytes: [UInt8]
    private let zone: String
    private let defaultTTL: UInt32
    private(set) var authority: BaseZone.Authority?
    private(set) var sets: [String: [RecordSet]] = [:]
    private var owners: [String: [String: Values]] = [:]

    /// Of one name and one type.
    private struct Values {
        var ttl: UInt32
        var all: Set<String> = []
        var bytes = 0
    }

    /// RFC 2181 §8.
    static let maximumTTL: UInt32 = 2_147_483_647

    /// Of the values of one name and type, as text: more doesn't go into any answer.
    static let maximumSetBytes = 65_535

    init(_ bytes: [UInt8], zone: String, defaultTTL: UInt32) throws(BaseZone.Malformed) {
        guard bytes.count <= BaseZone.maximumBytes else {
            throw BaseZone.Malformed(
                line: 0, "it's larger than \(BaseZone.maximumBytes / 1024 / 1024) MiB")
        }
        var lines = MasterFileLines(zone: zone)
        self.bytes = try lines.checked(bytes)
        self.zone = zone
        self.defaultTTL = defaultTTL
    }

    mutating func read() throws(BaseZone.Malformed) {
        guard !bytes.isEmpty else { return }
        var bytes = bytes
        guard let file = fmemopen(&bytes, bytes.count, "r") else {
            throw BaseZone.Malformed(line: 0, "it can't be read")
        }
        defer { fclose(file) }
        var origin = ldns_dname_new_frm_str(zone + ".")
        var previousOwner: UnsafeMutablePointer<ldns_rdf>?
        defer {
            ldns_rdf_deep_free(origin)
            ldns_rdf_deep_free(previousOwner)
        }
        var ttl = defaultTTL
        var line: Int32 = 0
        while feof(file) == 0 {
            var record: UnsafeMutablePointer<ldns_rr>?
            let status = ldns_rr_new_frm_fp_l(
                &record, file, &ttl, &origin, &previousOwner, &line)
            defer { ldns_rr_free(record) }
            switch status {
            case LDNS_STATUS_OK:
                guard let record else { continue }
                try add(record, line: Int(line))
            case LDNS_STATUS_SYNTAX_EMPTY, LDNS_STATUS_SYNTAX_TTL, LDNS_STATUS_SYNTAX_ORIGIN:
                continue
            default:
                let text = ldns_get_errorstr_by_id(status).map { String(cString: $0) }
                throw BaseZone.Malformed(line: Int(line), text ?? "it isn't a record")
            }
        }
        for (owner, types) in owners {
            sets[owner] = types.sorted { $0.key < $1.key }.map { type, values in
                RecordSet(
                    name: owner, type: type, ttl: values.ttl, data: .values(values.all.sorted()),
                    isOperators: true)
            }
        }
    }

    private mutating func add(
        _ record: UnsafeMutablePointer<ldns_rr>, line: Int
    ) throws(BaseZone.Malformed) {
        // RFC 6895 §3.1: these are questions, and parts of messages.
        let number = ldns_rr_get_type(record).rawValue
        guard number != 0, number != 41, !(128...255).contains(number) else {
            throw BaseZone.Malformed(line: line, "there's no such type of record in a zone")
        }
        guard let text = RecordText(record) else {
            throw BaseZone.Malformed(line: line, "a record without data isn't a zone's")
        }
        guard text.recordClass == "IN" else {
            throw BaseZone.Malformed(line: line, "only records of the class IN are a tenants' zone")
        }
        guard text.owner == zone || ZoneName.isBelow(text.owner, zone) else {
            throw BaseZone.Malformed(
                line: line, "\(text.owner) lies outside of the zone \(zone)")
        }
        guard !RecordSet.signersTypes.contains(text.type) else { return }
        guard text.ttl <= Self.maximumTTL else {
            throw BaseZone.Malformed(line: line, "a TTL is \(Self.maximumTTL) seconds at most")
        }
        if text.type == "SOA" { try note(text, line: line) } else { try put(text, line: line) }
    }

    private mutating func note(_ text: RecordText, line: Int) throws(BaseZone.Malformed) {
        let fields = text.value.split(separator: " ")
        let numbers = fields.dropFirst(2).compactMap { UInt32($0) }
        guard text.owner == zone, authority == nil, fields.count == 7, numbers.count == 5 else {
            throw BaseZone.Malformed(line: line, "there is one SOA, and it's the zone's own")
        }
        authority = BaseZone.Authority(
            primary: String(fields[0]), contact: String(fields[1]), times: Array(numbers[1...]),
            ttl: text.ttl, serial: numbers[0])
    }

    private mutating func put(_ text: RecordText, line: Int) throws(BaseZone.Malformed) {
        let (owner, type) = (text.owner, text.type)
        // In place: a copy for each record of a name would be a square of them.
        let (count, bytes, ttl) = Self.insert(
            text, into: &owners[owner, default: [:]][type, default: Values(ttl: text.ttl)])
        // A set has one TTL, RFC 2181 §5.2: servers take the first or the lowest, or refuse.
        guard ttl == text.ttl else {
            throw BaseZone.Malformed(
                line: line, "the \(type) records of \(owner) have more than one TTL")
        }
        guard bytes <= Self.maximumSetBytes else {
            throw BaseZone.Malformed(
                line: line, "the \(type) records of \(owner) are more than an answer can hold")
        }
        guard !["CNAME", "DNAME"].contains(type) || count == 1 else {
            throw BaseZone.Malformed(line: line, "\(owner) has more than one \(type)")
        }
        let types = owners[owner] ?? [:]
        guard types.count == 1 || types["CNAME"] == nil else {
            throw BaseZone.Malformed(
                line: line, "\(owner) has a CNAME, so it can't have another record")
        }
    }

    private static func insert(
        _ text: RecordText, into values: inout Values
    ) -> (count: Int, bytes: Int, ttl: UInt32) {
        if values.all.insert(text.value).inserted { values.bytes += text.value.utf8.count + 1 }
        return (values.all.count, values.bytes, values.ttl)
    }
}

/// What is between records: ldns passes over quotes and parentheses that nobody closes, reads other files for `$INCLUDE`,
/// knows no relative `$ORIGIN`, and takes a TTL that's too large for another one.
private struct MasterFileLines {
    /// Of the line, absolute, without the final dot.
    private var origin: String
    private var depth = 0
    private var openedAt = 0

    init(zone: String) {
        origin = zone
    }

    /// - Returns: the same lines, with absolute origins.
    mutating func checked(_ bytes: [UInt8]) throws(BaseZone.Malformed) -> [UInt8] {
        var checked: [UInt8] = []
        checked.reserveCapacity(bytes.count + 64)
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            if number > 1 { checked.append(0x0A) }
            guard !line.contains(0) else {
                throw BaseZone.Malformed(line: number, "a zero byte isn't text")
            }
            if depth == 0, let directive = try directive(line, number) {
                checked += directive
            } else {
                if depth == 0 { try checkTTL(line, number) }
                checked += line
            }
            try close(line, number)
        }
        guard depth == 0 else {
            throw BaseZone.Malformed(line: openedAt, "a parenthesis isn't closed")
        }
        return checked
    }

    /// The line in place of a directive; nil where it stays.
    private mutating func directive(
        _ line: ArraySlice<UInt8>, _ number: Int
    ) throws(BaseZone.Malformed) -> [UInt8]? {
        guard line.first == UInt8(ascii: "$") else { return nil }
        let words = Self.words(line)
        switch words.first.map({ String(decoding: $0, as: UTF8.self).uppercased() }) {
        case "$INCLUDE":
            throw BaseZone.Malformed(line: number, "$INCLUDE isn't followed")
        case "$TTL":
            try checkPeriod(words.dropFirst().first ?? [], number)
            return nil
        case "$ORIGIN":
            guard let word = words.dropFirst().first else {
                throw BaseZone.Malformed(line: number, "$ORIGIN has no name")
            }
            let name = String(decoding: word, as: UTF8.self)
            let absolute =
                name == "@"
                ? origin
                : name.hasSuffix(".") ? String(name.dropLast()) : "\(name).\(origin)"
            origin = absolute
            return Array("$ORIGIN \(absolute).".utf8)
        default: return nil
        }
    }

    /// Between blanks, up to a comment.
    private static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.prefix { $0 != UInt8(ascii: ";") }.split { [0x20, 0x09, 0x0D].contains($0) }
    }

    /// The TTL stands before the type, and before or behind the class.
    private func checkTTL(_ line: ArraySlice<UInt8>, _ number: Int) throws(BaseZone.Malformed) {
        let hasOwner = line.first != 0x20 && line.first != 0x09
        for word in Self.words(line).dropFirst(hasOwner ? 1 : 0).prefix(2)
        where word.first.map({ (0x30...0x39).contains($0) }) ?? false {
            try checkPeriod(word, number)
        }
    }

    /// Seconds, or `1w2d3h4m5s`.
    private func checkPeriod(
        _ word: ArraySlice<UInt8>, _ number: Int
    ) throws(BaseZone.Malformed) {
        var (sum, part) = (UInt64(0), UInt64(0))
        for byte in word {
            switch byte {
            case 0x30...0x39: part = min(part * 10 + UInt64(byte - 0x30), 1 << 40)
            default:
                let units: [UInt8: UInt64] = [
                    UInt8(ascii: "s"): 1, UInt8(ascii: "m"): 60, UInt8(ascii: "h"): 3_600,
                    UInt8(ascii: "d"): 86_400, UInt8(ascii: "w"): 604_800,
                ]
                sum += part * (units[byte | 0x20] ?? 1)
                part = 0
            }
        }
        guard sum + part <= UInt64(MasterFileReader.maximumTTL) else {
            throw BaseZone.Malformed(
                line: number, "a TTL is \(MasterFileReader.maximumTTL) seconds at most")
        }
    }

    private mutating func close(
        _ line: ArraySlice<UInt8>, _ number: Int
    ) throws(BaseZone.Malformed) {
        var (isQuoted, isEscaped) = (false, false)
        for byte in line {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "\""): isQuoted.toggle()
            case _ where isQuoted: continue
            case UInt8(ascii: ";"): return
            case UInt8(ascii: "("):
                if depth == 0 { openedAt = number }
                depth += 1
            case UInt8(ascii: ")"):
                guard depth > 0 else {
                    throw BaseZone.Malformed(line: number, "a parenthesis isn't opened")
                }
                depth -= 1
            default: continue
            }
        }
        guard !isQuoted else {
            throw BaseZone.Malformed(line: number, "a quote isn't closed on its line")
        }
    }
}
