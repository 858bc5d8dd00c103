import CLDNS
import RegistryModel

/// A zone as a server has it: a master file, or what `dig AXFR` prints, which is one.
///
/// Unlike the operator's base it may be large and signed, and has its SOA twice.
///
/// A transfer that was cut off would seem to be a zone that lacks the rest. It ends with the SOA that it began with (RFC 5936
/// §2.2), so what doesn't has to show that it's a master file: by `$ORIGIN` or `$TTL`, or by a comment before its first record.
/// Comments of dig, which it prints before and among records, and of kdig show nothing.
public enum ServedZoneFile {
    public struct Malformed: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: `Malformed`, also without the zone's SOA: a transfer that was refused would seem to be an empty zone.
    public static func read(_ bytes: [UInt8], zone: String) throws(Malformed) -> [ServedSet] {
        // dig says so in a comment, behind what had come until then.
        guard bytes.suffix(4096).firstRange(of: Array("\n; Transfer failed".utf8)) == nil else {
            throw Malformed(description: "its transfer failed: it isn't the whole zone")
        }
        var reader = Reader(zone: zone)
        if try !reader.readPlainLines(bytes) {
            reader = Reader(zone: zone)
            try reader.read(bytes)
        }
        guard let authority = reader.authorities.first else {
            throw Malformed(description: "it has no SOA of \(zone): it isn't the whole zone")
        }
        let isTransfer =
            authority.place == 0 && reader.authorities.count > 1
            && reader.authorities.last
                == Authority(
                    place: reader.recordCount - 1, value: authority.value)
        // What dig says of a transfer that has come to its end, with `+onesoa` too.
        let isCounted =
            bytes.suffix(4096).firstRange(of: Array("\n;; XFR size: ".utf8)) != nil
        guard isTransfer || isCounted || MasterFileMarks.areIn(bytes) else {
            throw Malformed(
                description:
                    "it doesn't end with the SOA that it began with: a transfer that was cut off isn't the whole zone, and a master file has a $ORIGIN or $TTL, or a comment before its first record"
            )
        }
        return reader.sets.map {
            var set = $0
            if case .values(let values) = set.data, values.count > 1 {
                // The SOA, and what else a transfer may have twice.
                set.data = .values(Set(values).sorted())
            }
            return ServedSet(set)
        }
    }

    /// An SOA of the zone, and how many records are before it.
    fileprivate struct Authority: Equatable {
        var place: Int
        var value: String
    }

    fileprivate struct Reader {
        let zone: String
        /// Without what the signer makes.
        var sets: [RecordSet] = []
        var authorities: [Authority] = []
        var recordCount = 0
        private var places: [Key: Int] = [:]

        init(zone: String) {
            self.zone = zone
        }

        private struct Key: Hashable {
            var owner: String
            var type: String
        }

        mutating func read(_ bytes: [UInt8]) throws(Malformed) {
            guard !bytes.isEmpty else { return }
            guard !bytes.contains(0) else { throw Malformed(description: "it isn't text") }
            var bytes = bytes
            guard let file = fmemopen(&bytes, bytes.count, "r") else {
                throw Malformed(description: "it can't be read")
            }
            defer { fclose(file) }
            var origin = ldns_dname_new_frm_str(zone + ".")
            var owner: UnsafeMutablePointer<ldns_rdf>?
            defer {
                ldns_rdf_deep_free(origin)
                ldns_rdf_deep_free(owner)
            }
            var (ttl, line) = (UInt32(3600), Int32(0))
            while feof(file) == 0 {
                var record: UnsafeMutablePointer<ldns_rr>?
                let status = ldns_rr_new_frm_fp_l(&record, file, &ttl, &origin, &owner, &line)
                defer { ldns_rr_free(record) }
                switch status {
                case LDNS_STATUS_OK: if let record { try add(record, line) }
                case LDNS_STATUS_SYNTAX_EMPTY, LDNS_STATUS_SYNTAX_TTL, LDNS_STATUS_SYNTAX_ORIGIN:
                    continue
                default:
                    let text = ldns_get_errorstr_by_id(status).map { String(cString: $0) }
                    throw Malformed(description: "line \(line): \(text ?? "it isn't a record")")
                }
            }
        }

        private mutating func add(
            _ record: UnsafeMutablePointer<ldns_rr>, _ line: Int32
        ) throws(Malformed) {
            guard let text = RecordText(record), text.recordClass == "IN" else {
                throw Malformed(description: "line \(line): it isn't a record of a zone")
            }
            guard ZoneName.isIn(zone, text.owner) else {
                throw Malformed(
                    description: "line \(line): \(text.owner) isn't in the zone \(zone)")
            }
            if text.type == "SOA", text.owner == zone {
                authorities.append(Authority(place: recordCount, value: text.value))
            }
            guard !RecordSet.signersTypes.contains(text.type) else { return recordCount += 1 }
            put(text.owner, text.type, text.ttl, text.value)
        }

        private mutating func put(_ owner: String, _ type: String, _ ttl: UInt32, _ value: String) {
            recordCount += 1
            let place: Int?
            if let last = sets.indices.last, sets[last].name == owner, sets[last].type == type {
                place = last
            } else {
                place = places[Key(owner: owner, type: type)]
            }
            guard let place else {
                places[Key(owner: owner, type: type)] = sets.count
                return sets.append(
                    RecordSet(name: owner, type: type, ttl: ttl, data: .values([value])))
            }
            sets[place].data = .values(sets[place].values + [value])
        }
    }
}

extension ServedZoneFile.Reader {
    /// Reads a file in which each line is a record of its own, as transfers and exports are, several times as fast.
    ///
    /// - Returns: false where a line depends on others, or isn't as plain: all has to be read anew.
    fileprivate mutating func readPlainLines(
        _ bytes: [UInt8]
    ) throws(ServedZoneFile.Malformed) -> Bool {
        var number: Int32 = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard let first = line.first, first != UInt8(ascii: ";") else { continue }
            let fields = line.split(maxSplits: 4) { $0 == 0x20 || $0 == 0x09 }
            guard fields.count == 5, Self.isPlainName(fields[0]),
                fields[0].startIndex == line.startIndex,
                let ttl = UInt32(String(decoding: fields[1], as: UTF8.self)),
                fields[2].elementsEqual("IN".utf8)
            else { return false }
            let type = String(decoding: fields[3], as: UTF8.self)
            if ["A", "AAAA", "CNAME"].contains(type) {
                let owner = String(decoding: fields[0].dropLast(), as: UTF8.self).lowercased()
                guard let value = Self.plainValue(fields[4], type), ZoneName.isIn(zone, owner)
                else { return false }
                put(owner, type, ttl, value)
            } else {
                let isWhole = !line.contains { $0 == UInt8(ascii: "(") || $0 == 0 }
                var record: UnsafeMutablePointer<ldns_rr>?
                defer { ldns_rr_free(record) }
                guard isWhole,
                    ldns_rr_new_frm_str(
                        &record, String(decoding: line, as: UTF8.self), ttl, nil, nil)
                        == LDNS_STATUS_OK, let record
                else { return false }
                try add(record, number)
            }
        }
        return true
    }

    /// Absolute, and without anything that would have to be escaped.
    private static func isPlainName(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        var previous = UInt8(ascii: ".")
        for byte in bytes {
            // Each label has something.
            guard byte != UInt8(ascii: ".") || previous != byte else { return false }
            previous = byte
            let isPlain =
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte) || [0x2A, 0x2D, 0x2E, 0x5F].contains(byte)
            guard isPlain else { return false }
        }
        return previous == UInt8(ascii: ".") && bytes.count > 1
    }

    private static func plainValue(_ bytes: ArraySlice<UInt8>, _ type: String) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        return switch type {
        case "A": IPv4Address(text)?.description
        case "AAAA": IPv6Address(text)?.description
        default: isPlainName(bytes) ? text.lowercased() : nil
        }
    }
}

/// What a master file has and no transfer.
private enum MasterFileMarks {
    static func areIn(_ bytes: [UInt8]) -> Bool {
        var isBeforeRecords = true
        var isMarked = false
        for line in bytes.split(separator: 0x0A) {
            if line.starts(with: "; <<>> ".utf8) { return false }
            if line.first == UInt8(ascii: ";") {
                let isTools = line.starts(with: ";;".utf8) && !line.starts(with: zoneDump)
                if isBeforeRecords, !isTools { isMarked = true }
            } else if line.first == UInt8(ascii: "$") {
                isMarked = true
            } else if line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) {
                isBeforeRecords = false
            }
        }
        return isMarked
    }

    /// Knot DNS' own files begin with it.
    private static let zoneDump = Array(";; Zone dump".utf8)
}
