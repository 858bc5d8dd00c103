import RegistryModel

/// A name's hash, and which of its bits are used for what. Strangers choose the names: Swift's
/// `Hasher` is SipHash with a key that each process draws anew.
///
/// From the highest bit: 20 choose the shard, 12 are the tag in an index slot, 32 the slot.
struct NameHash {
    let bits: UInt64

    init(_ name: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        bits = UInt64(truncatingIfNeeded: hasher.finalize())
    }

    static let maximumDepth = 20

    /// The first `depth` bits.
    func prefix(_ depth: Int) -> Int { Int((bits &>> 1) &>> UInt64(63 - depth)) }

    /// The bit after the first `depth`: which half of a shard the name goes to.
    func bit(at depth: Int) -> Int { Int(bits &>> UInt64(63 - depth) & 1) }

    var tag: UInt32 { UInt32(truncatingIfNeeded: bits &>> 32) & 0xFFF }

    /// Where to begin looking among `count` slots.
    func slot(among count: Int) -> Int {
        Int((UInt64(UInt32(truncatingIfNeeded: bits)) &* UInt64(truncatingIfNeeded: count)) &>> 32)
    }
}
