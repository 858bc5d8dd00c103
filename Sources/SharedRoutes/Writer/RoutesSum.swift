/// What the domains of a file come to: the next writer sees by it whether they're all there and as they were.
struct RoutesSum: Equatable {
    /// Of a hash of each, modulo 2^128: it has no order, and what was added can be taken back.
    private var value: UInt128 = 0
    private(set) var domains: UInt64 = 0

    var low: UInt64 { UInt64(truncatingIfNeeded: value) }
    var high: UInt64 { UInt64(truncatingIfNeeded: value &>> 64) }

    mutating func add(_ name: UnsafeRawBufferPointer, _ word: RouteWord, _ view: RoutesView) {
        value &+= Self.row(name, word, view)
        domains &+= 1
    }

    mutating func replace(
        _ old: RouteWord, by new: RouteWord, _ name: UnsafeRawBufferPointer, _ view: RoutesView
    ) {
        if old.isPresent {
            value &-= Self.row(name, old, view)
            domains &-= 1
        }
        if new.isPresent { add(name, new, view) }
    }

    func matches(
        _ left: (revision: UInt64, low: UInt64, high: UInt64, domains: UInt64)
    ) -> Bool {
        low == left.low && high == left.high && domains == left.domains
    }

    private static func row(
        _ name: UnsafeRawBufferPointer, _ word: RouteWord, _ view: RoutesView
    ) -> UInt128 {
        guard let start = name.baseAddress else { return 0 }
        let bits = view.hash(start, name.count).bits ^ (word.bits &* 0x9E37_79B9_7F4A_7C15)
        return UInt128(bits) &* 0xD6E8_FEB8_6659_FD93 ^ UInt128(bits) &<< 64
    }
}
