import LookupGrammar

/// What libFuzzer calls with octets of its own. The address sanitizer sees reads beyond them; what
/// else must hold is said here.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLookup(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    let octets = UnsafeRawBufferPointer(start: start, count: count)
    checkFields(octets)
    guard let line = LookupLine(octets) else { return 0 }
    precondition(line.length >= 2 && line.length <= count)
    precondition(octets[line.length - 2] == 0x0D && octets[line.length - 1] == 0x0A)
    precondition(line.name.lowerBound >= 0 && line.name.upperBound <= line.length)
    precondition([200, 403, 404].contains(line.unknownStatus))
    // Nothing but the line itself counts.
    precondition(LookupLine(UnsafeRawBufferPointer(rebasing: octets[..<line.length])) == line)
    precondition(LookupLine(UnsafeRawBufferPointer(rebasing: octets[..<(line.length - 1)])) == nil)
    precondition(!octets[..<(line.length - 2)].contains { $0 <= 0x1F || $0 >= 0x7F })
    checkFields(UnsafeRawBufferPointer(rebasing: octets[line.length...]))
    return 0
}

private func checkFields(_ octets: UnsafeRawBufferPointer) {
    guard let fields = LookupFields(octets) else { return }
    precondition(fields.length >= 4 && fields.length <= octets.count)
    precondition(fields.length <= LookupFields.maximumLength)
    let head = UnsafeRawBufferPointer(rebasing: octets[..<fields.length])
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
