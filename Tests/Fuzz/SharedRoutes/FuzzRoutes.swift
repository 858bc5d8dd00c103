import CTenantRoutes

/// What libFuzzer calls with bytes of its own: a file of routes is made of them, in memory of its very size, so that the
/// address sanitizer sees whatever a reader touches beyond it.
///
/// The first byte says whether the header's numbers are taken as they are, or fitted to the size of the file: one that is
/// refused at once shows little. Then come those numbers, a name to look for, and what is behind the header.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRoutes(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    let fields = [
        RoutesFormat.Field.indexOffset, RoutesFormat.Field.indexCount,
        RoutesFormat.Field.recordsOffset, RoutesFormat.Field.recordsEnd,
        RoutesFormat.Field.locationsOffset, RoutesFormat.Field.locationCapacity,
        RoutesFormat.Field.textsOffset, RoutesFormat.Field.textsEnd,
        RoutesFormat.Field.visible,
    ]
    let (numbers, nameSize) = (fields.count * 8, 16)
    guard count > 1 + numbers + nameSize else { return 0 }
    let fits = start.load(as: UInt8.self) & 1 == 0
    let rest = count - 1 - numbers - nameSize
    let size = RoutesFormat.headerSize + rest
    guard let file = malloc(size) else { return 0 }
    defer { free(file) }
    memset(file, 0, RoutesFormat.headerSize)
    memcpy(file + RoutesFormat.headerSize, start + (count - rest), rest)
    file.storeBytes(of: RoutesFormat.magic, toByteOffset: 0, as: UInt64.self)
    file.storeBytes(
        of: RoutesFormat.version, toByteOffset: RoutesFormat.Field.version, as: UInt32.self)
    file.storeBytes(
        of: UInt64(size), toByteOffset: RoutesFormat.Field.fileSize, as: UInt64.self)
    file.storeBytes(
        of: RoutesFormat.State.live, toByteOffset: RoutesFormat.Field.state, as: UInt64.self)
    for (place, field) in fields.enumerated() {
        var number = start.loadUnaligned(fromByteOffset: 1 + place * 8, as: UInt64.self)
        if fits, field != RoutesFormat.Field.visible { number %= UInt64(size + 1) }
        if fits, field == RoutesFormat.Field.indexCount { number = number / 64 + 1 }
        if fits, field == RoutesFormat.Field.locationCapacity { number /= 256 }
        if fits, number > 8 { number &= ~7 }
        if fits, field == RoutesFormat.Field.indexOffset { number = max(number, 4_096) }
        file.storeBytes(of: number, toByteOffset: field, as: UInt64.self)
    }

    let name = start + (1 + numbers)
    let room = malloc(RoutesFormat.longestName)!
    defer { free(room) }
    if let length = HostName.read(name, nameSize, into: room) {
        precondition(length > 0 && length <= nameSize)
    }
    if let length = HostName.read(start, count, into: room) {
        precondition(length > 0 && length <= RoutesFormat.longestName)
    }
    var flaw = RoutesView.Flaw.none
    guard let view = RoutesView.open(UnsafeRawPointer(file), size: size, &flaw) else {
        precondition(flaw != .none)
        return 0
    }
    check(view.find(name, nameSize), view)
    // Whatever the index leads to.
    for slot in 0..<min(view.indexCount, 64) {
        let entry = view.word(at: view.indexOffset + slot * 8)
        guard entry != 0, let record = view.record(entry), let length = view.nameCount(of: record)
        else { continue }
        check(view.find(view.base + record + RoutesFormat.recordHead, length), view)
    }
    _ = view.sum()
    return 0
}

private func check(_ finding: RoutesView.Finding, _ view: RoutesView) {
    guard case .found(let answer) = finding else { return }
    precondition(answer.locationCount <= RoutesFormat.longestLocation)
    precondition(answer.upstreamCount <= RoutesFormat.longestUpstream)
    precondition((0...2).contains(answer.mode) && (0...2).contains(answer.fence))
    // The library copies these.
    var sum: UInt64 = 0
    for place in 0..<answer.locationCount {
        sum &+= UInt64(view.base.load(fromByteOffset: answer.locationStart + place, as: UInt8.self))
    }
    for place in 0..<answer.upstreamCount {
        sum &+= UInt64(view.base.load(fromByteOffset: answer.upstreamStart + place, as: UInt8.self))
    }
    precondition(sum < .max)
}
