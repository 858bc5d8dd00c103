#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A moment, for log lines.
struct WallTime {
    var millisecondsSince1970: Int64

    static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(
            millisecondsSince1970: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// `2026-01-31T23:59:59.000Z`, for the years 0 to 9999.
    var rfc3339: String {
        let (day, millisecond) = Self.divided(millisecondsSince1970, by: 86_400_000)
        let (year, month, dayOfMonth) = Self.date(dayNumber: day)
        let seconds = millisecond / 1_000
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func add(_ value: Int64, digits: Int, then end: Unicode.Scalar) {
            var divisor: Int64 = digits == 4 ? 1_000 : digits == 3 ? 100 : 10
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
            text.append(UInt8(ascii: end))
        }
        add(year, digits: 4, then: "-")
        add(month, digits: 2, then: "-")
        add(dayOfMonth, digits: 2, then: "T")
        add(seconds / 3_600, digits: 2, then: ":")
        add(seconds / 60 % 60, digits: 2, then: ":")
        add(seconds % 60, digits: 2, then: ".")
        add(millisecond % 1_000, digits: 3, then: "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// The date in the Gregorian calendar. Years are counted from March, so that the leap day is
    /// the last of its year, and in spans of 400 years, which all have the same length.
    private static func date(dayNumber: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let daysFromYear0To1970: Int64 = 719_468
        let (span, dayOfSpan) = divided(dayNumber + daysFromYear0To1970, by: 146_097)
        let yearOfSpan =
            (dayOfSpan - dayOfSpan / 1_460 + dayOfSpan / 36_524 - dayOfSpan / 146_096) / 365
        let dayOfYear = dayOfSpan - (365 * yearOfSpan + yearOfSpan / 4 - yearOfSpan / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (span * 400 + yearOfSpan + (month <= 2 ? 1 : 0), month, day)
    }

    /// Rounds down, also before 1970.
    private static func divided(_ value: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }
}
