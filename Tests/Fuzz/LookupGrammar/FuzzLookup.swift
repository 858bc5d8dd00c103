import LookupGrammar

/// What libFuzzer calls with bytes of its own. The address sanitizer sees reads beyond them; what
/// else must hold is said here.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLookup(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    checkFields(bytes)
    guard let line = LookupLine(bytes) else { return 0 }
    precondition(line.length >= 2 && line.length <= count)
    precondition(bytes[line.length - 2] == 0x0D && bytes[line.length - 1] == 0x0A)
    precondition(line.name.lowerBound >= 0 && line.name.upperBound <= line.length)
    precondition([200, 403, 404].contains(line.unknownStatus))
    // Nothing but the line itself counts.
    precondition(LookupLine(UnsafeRawBufferPointer(rebasing: bytes[..<line.length])) == line)
    precondition(LookupLine(UnsafeRawBufferPointer(rebasing: bytes[..<(line.length - 1)])) == nil)
    precondition(!bytes[..<(line.length - 2)].contains { $0 <= 0x1F || $0 >= 0x7F })
    checkFields(UnsafeRawBufferPointer(rebasing: bytes[line.length...]))
    return 0
}

private func checkFields(_ bytes: UnsafeRawBufferPointer) {
    guard let fields = LookupFields(bytes) else { return }
    precondition(fields.length >= 4 && fields.length <= bytes.count)
    precondition(fields.length <= LookupFields.maximumLength)
    let head = UnsafeRawBufferPointer(rebasing: bytes[..<fields.length])
    precondition(head.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]))
    precondition(LookupFields(head) == fields)
    precondition(LookupFields(UnsafeRawBufferPointer(rebasing: head.dropLast())) == nil)
    let places = [
        fields.host, fields.authorization, fields.accept, fields.ifNoneMatch, fields.forwardedHost,
        fields.requestID, fields.traceparent,
    ].compactMap(\.self)
    for place in places {
        precondition(place.lowerBound >= 0 && place.upperBound <= fields.length)
        precondition(!head[place].contains { $0 < 0x20 && $0 != 9 || $0 == 0x7F })
    }
    // One empty line, and it's the end.
    for index in 0..<(fields.length - 4) {
        precondition(!head[index..<(index + 4)].elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]))
    }
}
