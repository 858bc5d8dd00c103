import CAres
import RegistryModel

/// The types of record that are asked for.
package enum DNSType: UInt16, Hashable, Sendable, CaseIterable {
    case ipv4 = 1
    case cname = 5
    case soa = 6
    case ipv6 = 28

    package var name: String {
        switch self {
        case .ipv4: "A"
        case .cname: "CNAME"
        case .soa: "SOA"
        case .ipv6: "AAAA"
        }
    }
}

/// What a server answered to one question.
package struct DNSReply: Hashable, Sendable {
    package struct Record: Hashable, Sendable {
        package var type: DNSType
        package var ttl: UInt32
        /// In presentation form; of an SOA the serial alone.
        package var value: String
    }

    /// RFC 1035 §4.1.1: 0 no error, 3 no such name, …
    package var code: UInt8
    /// Whether the server answers for the zone itself.
    package var isAuthoritative: Bool
    /// Those of the name that was asked for.
    package var records: [Record]

    package var codeName: String {
        switch code {
        case 0: "NOERROR"
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 3: "NXDOMAIN"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        case 9: "NOTAUTH"
        default: "RCODE \(code)"
        }
    }
}

extension DNSReply {
    /// Reads a message, RFC 1035 §4. `ares_parse_a_reply` and its like follow CNAMEs to whatever they lead to, and there is
    /// none for a CNAME itself; so sections are walked here, with c-ares' own reading of compressed names.
    ///
    /// `nil`: it isn't a whole message.
    init?(message: UnsafeBufferPointer<UInt8>, name: String) {
        var reader = MessageReader(message)
        guard message.count >= 12 else { return nil }
        code = message[3] & 0x0F
        isAuthoritative = message[2] & 0x04 != 0
        let questions = Int(message[4]) << 8 | Int(message[5])
        let answers = Int(message[6]) << 8 | Int(message[7])
        reader.place = 12
        for _ in 0..<questions {
            guard reader.name() != nil, reader.skip(4) else { return nil }
        }
        records = []
        for _ in 0..<answers {
            guard let owner = reader.name(), let type = reader.number16(), reader.skip(2),
                let ttl = reader.number32(), let size = reader.number16(),
                reader.place + Int(size) <= message.count
            else { return nil }
            let next = reader.place + Int(size)
            if owner == name, let type = DNSType(rawValue: type) {
                guard let value = reader.value(type, size: Int(size)) else { return nil }
                records.append(Record(type: type, ttl: ttl, value: value))
            }
            reader.place = next
        }
    }
}

/// Never reads beyond the message.
private struct MessageReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    var place = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func skip(_ count: Int) -> Bool {
        guard place + count <= bytes.count else { return false }
        place += count
        return true
    }

    mutating func number16() -> UInt16? {
        guard place + 2 <= bytes.count else { return nil }
        defer { place += 2 }
        return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }

    mutating func number32() -> UInt32? {
        guard let high = number16(), let low = number16() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    /// Lower case, without the final dot.
    mutating func name() -> String? {
        guard place < bytes.count, let start = bytes.baseAddress else { return nil }
        var text: UnsafeMutablePointer<CChar>?
        var length = 0
        guard
            ares_expand_name(start + place, start, Int32(bytes.count), &text, &length)
                == ARES_SUCCESS, let text
        else { return nil }
        defer { ares_free_string(text) }
        place += length
        return String(cString: text).lowercased()
    }

    mutating func value(_ type: DNSType, size: Int) -> String? {
        switch type {
        case .ipv4:
            guard size == 4 else { return nil }
            return (0..<4).map { String(bytes[place + $0]) }.joined(separator: ".")
        case .ipv6:
            guard size == 16 else { return nil }
            let groups = (0..<8).map {
                String(
                    UInt16(bytes[place + 2 * $0]) << 8 | UInt16(bytes[place + 2 * $0 + 1]),
                    radix: 16)
            }
            return IPv6Address(groups.joined(separator: ":"))?.description
        case .cname: return name().map { $0 + "." }
        case .soa:
            guard name() != nil, name() != nil else { return nil }
            return number32().map { String($0) }
        }
    }
}
