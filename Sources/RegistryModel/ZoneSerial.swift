/// The number in a zone's SOA record, and what it stands for: one number is one content, of one epoch.
public struct ZoneSerial: Hashable, Sendable {
    /// RFC 1035 §3.3.13; never 0. The zone's next one is greater: secondaries take no other.
    public let serial: UInt32
    /// Of what is in the zone.
    public let digest: [UInt8]
    /// The last revision at which somebody has seen the zone so.
    public let revision: Revision

    public init(serial: UInt32, digest: [UInt8], revision: Revision) {
        (self.serial, self.digest, self.revision) = (serial, digest, revision)
    }

    /// How many bytes a digest has.
    public static let digestLengths = 1...64

    /// The serial of what comes after `last`: the seconds since 1970, so that a restored backup, which doesn't know what
    /// was given away since, goes on above that, and one more than `last` where that is as high already.
    ///
    /// A time from `latestTime` on isn't looked at: from 2096 on, and under a clock that is wrong by as much, serials
    /// are counted one by one. A clock that stood in the next century for an hour would else take the zone to the end
    /// of the range, where nothing is left.
    ///
    /// - Parameter last: 0: the zone has had none.
    /// - Returns: nil where there is none left. It never wraps: RFC 1982 would have it that 1 comes after 4294967295, but
    ///   what compares serials as numbers wouldn't. From `latestTime` on that is 294,967,295 changes away.
    public static func next(after last: UInt32, at now: Timestamp) -> UInt32? {
        guard last != .max else { return nil }
        let seconds = now.milliseconds / 1000
        let time = (1..<latestTime).contains(seconds) ? UInt32(seconds) : 1
        return max(time, last + 1)
    }

    /// Seconds since 1970: 2096-10-02T07:06:40Z.
    public static let latestTime: Int64 = 4_000_000_000
}
