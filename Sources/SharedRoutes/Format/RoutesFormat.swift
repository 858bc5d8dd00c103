// The file's layout: docs/shared-routes.md says why. It's compiled into the agent, and by `make library` into a library
// without a runtime: nothing here may allocate.

/// Where things are. Numbers are little-endian, as the machine has them; offsets and sizes count bytes.
package enum RoutesFormat {
    /// `TRROUTES`.
    package static let magic: UInt64 = 0x5345_5455_4F52_5254
    /// A reader of another one refuses the file.
    package static let version: UInt32 = 1
    package static let headerSize = 4096
    /// Index entries that a reader looks at before it gives up; a writer grows the file before a name needs more.
    package static let longestProbe = 512
    /// Records begin at multiples of it.
    package static let recordUnit = 8
    /// A record's two words and the length of its name.
    package static let recordHead = 17
    package static let longestName = 253
    /// A location's two words, the length of its name, and the name.
    package static let locationSize = 80
    package static let longestLocation = 63
    package static let mostLocations = 65_536
    /// Upstreams begin at multiples of it, each with two bytes for its length.
    package static let textUnit = 64
    package static let mostTextUnits = 1 << 20
    package static let longestUpstream = 2048
    /// In milliseconds. An end that's further away is of another start of the machine.
    package static let longestLease: UInt64 = 3_700_000
    /// Of an agent that can't fence: nothing is fenced by the clock.
    package static let endlessLease = UInt64.max

    /// Offsets in the header.
    package enum Field {
        // What never changes.
        package static let magic = 0
        package static let version = 8
        package static let fileSize = 16
        package static let indexOffset = 24
        package static let indexCount = 32
        package static let recordsOffset = 40
        package static let recordsEnd = 48
        package static let locationsOffset = 56
        package static let locationCapacity = 64
        package static let textsOffset = 72
        package static let textsEnd = 80
        package static let firstSeed = 88
        package static let secondSeed = 96
        /// The length in one byte, then the text.
        package static let epoch = 104
        package static let epochSize = 24
        /// Of the machine's start: a file that outlived it may have lost pages.
        package static let boot = 128
        package static let bootSize = 40

        // What readers look at all the time, on cache lines of their own.
        package static let state = 256
        package static let visible = 320
        /// Milliseconds of the clock that counts sleep.
        package static let heardAt = 384
        package static let leaseEnd = 392
        /// Two sums, each of `sumSize`, of which one is of the visible revision.
        package static let sums = 448

        // The writer's own.
        package static let recordsUsed = 576
        package static let locationCount = 584
        package static let textsUsed = 592
    }

    /// Revision, two halves of the sum, number of domains.
    package static let sumSize = 32

    package enum State {
        package static let making: UInt64 = 0
        package static let live: UInt64 = 1
        /// A newer file has taken its place, or is about to.
        package static let retired: UInt64 = 2
        /// What it says isn't to be believed.
        package static let mending: UInt64 = 3
    }
}

/// What a record or a location is from one revision on, in one word, so that it's read and written whole: 43 bits of
/// revision above 21 of what it is. 0: it never was.
package struct RouteWord: Equatable {
    package var bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    package static let never = RouteWord(bits: 0)
    package static let latestRevision: UInt64 = 1 << 43 - 1

    package var revision: UInt64 { bits &>> 21 }
    package var isPresent: Bool { bits & 1 == 1 }

    // A domain: its location's place in 16 bits, mode in 2, fence in 2, whether it's there.
    package init(revision: UInt64, location: Int, mode: Int32, fence: Int32) {
        let place = UInt64(truncatingIfNeeded: location) &<< 5
        let modes = UInt64(truncatingIfNeeded: mode) &<< 3 | UInt64(truncatingIfNeeded: fence) &<< 1
        bits = revision &<< 21 | place | modes | 1
    }

    package init(absentSince revision: UInt64) {
        bits = revision &<< 21
    }

    package var location: Int { Int(truncatingIfNeeded: bits &>> 5 & 0xFFFF) }
    package var mode: Int32 { Int32(truncatingIfNeeded: bits &>> 3 & 3) }
    package var fence: Int32 { Int32(truncatingIfNeeded: bits &>> 1 & 3) }

    // A location: where its upstream is, in units, in 20 bits, and whether it's there.
    package init(revision: UInt64, textUnit: Int) {
        bits = revision &<< 21 | UInt64(truncatingIfNeeded: textUnit) &<< 1 | 1
    }

    package var textUnit: Int { Int(truncatingIfNeeded: bits &>> 1 & 0xFFFFF) }
}

/// A name's place in the index and the tag that it has there. Strangers choose the names that are asked for, and customers
/// those that are there: each file has seeds of its own.
package struct RouteHash {
    package let bits: UInt64

    package init(_ name: UnsafeRawPointer, _ count: Int, _ firstSeed: UInt64, _ secondSeed: UInt64)
    {
        var sum = firstSeed ^ UInt64(truncatingIfNeeded: count)
        var place = 0
        while place &+ 8 <= count {
            let word = name.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            sum = Self.fold(sum ^ word, secondSeed)
            place &+= 8
        }
        var rest: UInt64 = 0
        while place < count {
            rest = rest &<< 8 | UInt64(name.load(fromByteOffset: place, as: UInt8.self))
            place &+= 1
        }
        bits = Self.fold(Self.fold(sum ^ rest, secondSeed), firstSeed | 1)
    }

    @inline(__always)
    private static func fold(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let product = one.multipliedFullWidth(by: other)
        return product.high ^ product.low
    }

    package var tag: UInt64 { bits &>> 32 }

    package func slot(among count: Int) -> Int {
        Int(truncatingIfNeeded: ((bits & 0xFFFF_FFFF) &* UInt64(truncatingIfNeeded: count)) &>> 32)
    }
}
