/// Comparisons whose time tells nothing about what they compare.
public enum ConstantTime {
    /// In a time that depends on the lengths alone.
    public static func equal(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt64 = 0
        var place = 0
        while left.count &- place >= 8 {
            difference |=
                left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            place &+= 8
        }
        while place < left.count {
            difference |= UInt64(left[place] ^ right[place])
            place &+= 1
        }
        return difference == 0
    }
}
