import LookupGrammar
import RegistryModel

/// A lookup in memory, with what it says.
struct EarlyRequest {
    var line: LookupLine
    var fields: LookupFields
    /// From the request on.
    var octets: UnsafeRawBufferPointer
    /// Its header fields alone.
    var fieldOctets: UnsafeRawBufferPointer
    /// Whether its connection ends with its answer.
    var isLast: Bool

    /// In octets.
    var length: Int { line.length &+ fields.length }

    func value(_ place: Range<Int>?) -> UnsafeRawBufferPointer? {
        place.map { UnsafeRawBufferPointer(rebasing: fieldOctets[$0]) }
    }

    var name: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: octets[line.name]) }

    /// Each endpoint has one source for the host and no fallback. Nil: the source isn't there.
    var host: UnsafeRawBufferPointer? {
        switch line.subject {
        case .domain: nil
        case .query: name
        case .forwarded: value(fields.forwardedHost)
        case .authority: value(fields.host)
        }
    }

    /// What an unknown host gets.
    var unknownStatus: EarlyStatus {
        switch line.unknownStatus {
        case 200: .ok
        case 403: .forbidden
        default: .notFound
        }
    }

    /// Whether the client says so in the two words that need no weighing.
    var acceptsJSON: Bool {
        guard let accept = value(fields.accept) else { return true }
        return accept.elementsEqual("*/*".utf8) || accept.elementsEqual("application/json".utf8)
    }

    enum Tag: Equatable {
        case none
        case revision(Revision)
        /// A list, a weak tag, any tag, or nothing of ours.
        case unclear
    }

    /// `If-None-Match`, where it's one of our tags.
    var tag: Tag {
        guard let field = value(fields.ifNoneMatch) else { return .none }
        // Eighteen digits always fit.
        guard (3...20).contains(field.count), field.first == UInt8(ascii: "\""),
            field.last == UInt8(ascii: "\"")
        else { return .unclear }
        var number: Int64 = 0
        for octet in field.dropFirst().dropLast() {
            guard octet >= 0x30, octet <= 0x39 else { return .unclear }
            number = number * 10 + Int64(octet - 0x30)
        }
        let isCanonical = field[1] != 0x30 || field.count == 3
        return isCanonical ? .revision(Revision(number)) : .unclear
    }
}

extension LoopKit {
    /// The client's id, or a new one.
    func takeRequestID(_ request: EarlyRequest) {
        guard let sent = request.value(request.fields.requestID), RequestID.mayEcho(sent) else {
            RequestID.writeRandom(to: requestID)
            requestIDLength = RequestID.length
            return
        }
        requestID.copyMemory(from: sent)
        requestIDLength = sent.count
    }

    var requestIDOctets: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: requestID[..<requestIDLength])
    }

    var requestIDText: String { String(decoding: requestIDOctets, as: UTF8.self) }
}
