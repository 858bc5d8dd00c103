/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Order of events is by revision, never by this: clocks step.
public struct Timestamp: Hashable, Sendable, Codable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The first or the last moment that there is, where the sum lies beyond it.
    public func adding(_ duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1000)
        let (span, isTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        let (sum, overflows) = milliseconds.addingReportingOverflow(span)
        guard isBeyond || isTooLong || overflows else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: seconds < 0 ? .min : .max)
    }

    /// How long it is since `earlier`; below zero where that is later.
    public func since(_ earlier: Timestamp) -> Duration {
        let (difference, overflows) = milliseconds.subtractingReportingOverflow(
            earlier.milliseconds)
        guard overflows else { return .milliseconds(difference) }
        return .milliseconds(milliseconds < 0 ? Int64.min : .max)
    }

    public init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

extension Timestamp: Comparable {
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds: `2020-06-21T00:00:03.000Z`.
    public var description: String {
        String(unsafeUninitializedCapacity: 24) { buffer in
            write(to: buffer)
            return 24
        }
    }

    /// Writes the 24 bytes of `description`. Years 0 to 9999.
    package func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        let day: Int64 = 86_400_000
        let days = milliseconds.flooredQuotient(by: day)
        // The product of the first moment's day lies below what fits; its difference doesn't.
        let inDay = Int(milliseconds &- days &* day)
        let date = CivilDate(daysSince1970: Int(days))
        func digits(_ value: Int, at index: Int, count: Int) {
            var rest = UInt32(truncatingIfNeeded: value)
            for place in 1...count {
                buffer[index + count - place] =
                    UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
        // Every answer has some of these: the marks come from one text, and digits go between them.
        let marks: StaticString = "0000-00-00T00:00:00.000Z"
        marks.withUTF8Buffer { _ = buffer.update(fromContentsOf: $0) }
        digits(max(0, min(9999, date.year)), at: 0, count: 4)
        digits(date.month, at: 5, count: 2)
        digits(date.day, at: 8, count: 2)
        digits(inDay / 3_600_000, at: 11, count: 2)
        digits(inDay / 60_000 % 60, at: 14, count: 2)
        digits(inDay / 1000 % 60, at: 17, count: 2)
        digits(inDay % 1000, at: 20, count: 3)
    }
}

extension Timestamp {
    /// Reads RFC 3339 §5.6 `date-time`, with any offset and any number of fraction digits (those
    /// past the third are cut). Leap seconds read as the second before. `nil`: not such a time.
    public init?(rfc3339 text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        func number(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var value = 0
            for byte in rest.prefix(count) {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(count)
            return value
        }
        func mark(_ allowed: String) -> UInt8? {
            guard let byte = rest.first, allowed.utf8.contains(byte) else { return nil }
            rest = rest.dropFirst()
            return byte
        }
        guard let year = number(4), mark("-") != nil, let month = number(2), mark("-") != nil,
            let day = number(2), mark("Tt ") != nil,
            let hour = number(2), mark(":") != nil, let minute = number(2), mark(":") != nil,
            let second = number(2),
            let date = CivilDate(year: year, month: month, day: day),
            hour < 24, minute < 60, second <= 60
        else { return nil }

        var fraction = 0
        if mark(".") != nil {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            let thousandths =
                Array(digits.prefix(3)) + Array(repeating: 0x30, count: max(0, 3 - digits.count))
            fraction = thousandths.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        var offsetMinutes = 0
        if mark("Zz") == nil {
            guard let sign = mark("+-"), let hours = number(2), mark(":") != nil,
                let minutes = number(2), hours < 24, minutes < 60
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        let seconds =
            ((date.daysSince1970 * 24 + hour) * 60 + minute - offsetMinutes) * 60 + min(second, 59)
        // An offset can lead out of the years that four digits write.
        guard (-62_167_219_200..<253_402_300_800).contains(seconds) else { return nil }
        self.init(milliseconds: Int64(seconds) * 1000 + Int64(fraction))
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

/// A day of the proleptic Gregorian calendar.
///
/// The arithmetic is the era form of "chrono-compatible low-level date algorithms": years begin in
/// March, so that the leap day is the last day of a year. Foundation's calendars cost microseconds
/// and a lock for the same, on the lookup path.
package struct CivilDate: Equatable {
    package let year: Int
    package let month: Int
    package let day: Int

    package init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `nil`: there is no such day.
    init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[month - 1] else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    var daysSince1970: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
