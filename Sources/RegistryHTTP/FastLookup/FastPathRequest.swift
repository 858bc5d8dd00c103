import LookupGrammar
import RegistryModel

/// A lookup in memory, with what it says.
struct FastPathRequest {
    var line: LookupLine
    var fields: LookupFields
    /// From the request on.
    var bytes: UnsafeRawBufferPointer
    /// Its header fields alone.
    var fieldBytes: UnsafeRawBufferPointer
    /// Whether its connection ends with its answer.
    var isLast: Bool

    /// In bytes.
    var length: Int { line.length &+ fields.length }

    func value(_ place: Range<Int>?) -> UnsafeRawBufferPointer? {
        place.map { UnsafeRawBufferPointer(rebasing: fieldBytes[$0]) }
    }

    var name: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[line.name]) }

    /// Each endpoint has one source for the host and no fallback. Nil: the source isn't there.
    var host: UnsafeRawBufferPointer? {
        switch line.subject {
        case .domain: nil
        case .query: name
        case .forwarded, .forwardedStatus: value(fields.forwardedHost)
        case .authority: value(fields.host)
        }
    }

    /// What an unknown host gets.
    var unknownStatus: LookupStatus {
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

    enum Tag {
        case none
        /// The epoch's bytes lie in the request.
        case position(epoch: UnsafeRawBufferPointer.SubSequence, Revision)
        /// A list, a weak tag, any tag, or nothing of ours.
        case unclear

        var isUnclear: Bool { if case .unclear = self { true } else { false } }

        /// Whether it's the tag that a domain of this revision has here.
        func isOf(_ revision: Revision, in epoch: Epoch) -> Bool {
            guard case .position(let bytes, revision) = self else { return false }
            return bytes.elementsEqual(epoch.text.utf8)
        }
    }

    /// `If-None-Match`, where it's one of our tags: `"<epoch>.<revision>"`.
    var tag: Tag {
        guard let field = value(fields.ifNoneMatch) else { return .none }
        guard (5...85).contains(field.count), field.first == UInt8(ascii: "\""),
            field.last == UInt8(ascii: "\"")
        else { return .unclear }
        let inside = field.dropFirst().dropLast()
        guard let dot = inside.lastIndex(of: UInt8(ascii: ".")) else { return .unclear }
        let (epoch, digits) = (inside[..<dot], inside[inside.index(after: dot)...])
        // Eighteen digits always fit. A letter or digit is nothing that a list could be made with.
        guard (1...18).contains(digits.count), (1...64).contains(epoch.count),
            epoch.allSatisfy({
                ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 >= 0x30 && $0 <= 0x39
            })
        else { return .unclear }
        var number: Int64 = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39 else { return .unclear }
            number = number * 10 + Int64(byte - 0x30)
        }
        let isCanonical = digits.first != 0x30 || digits.count == 1
        return isCanonical ? .position(epoch: epoch, Revision(number)) : .unclear
    }
}

extension EventLoopScratch {
    /// The client's id, or a new one.
    func takeRequestID(_ request: FastPathRequest) {
        guard let sent = request.value(request.fields.requestID), RequestID.mayEcho(sent) else {
            RequestID.writeRandom(to: requestID)
            requestIDLength = RequestID.length
            return
        }
        requestID.copyMemory(from: sent)
        requestIDLength = sent.count
    }

    var requestIDBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: requestID[..<requestIDLength])
    }

    var requestIDText: String { String(decoding: requestIDBytes, as: UTF8.self) }
}
