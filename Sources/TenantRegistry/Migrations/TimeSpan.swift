import ArgumentParser

/// A length of time as people write it: `15m`, `60s`, `2h`, `1d`, or plain seconds.
struct TimeSpan: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let seconds: Int

    var duration: Duration { .seconds(seconds) }

    private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    init(seconds: Int) {
        self.seconds = seconds
    }

    /// Nil for anything else, and for more than fits.
    init?(argument: String) {
        let unit = argument.last.flatMap { Self.units[$0] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits)
        else { return nil }
        let (seconds, overflows) = number.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflows, seconds <= Self.longest else { return nil }
        self.seconds = seconds
    }

    /// A hundred years: beyond that it's a mistake.
    private static let longest = 100 * 365 * 86_400

    /// The largest unit that says it whole: `15m`, `90s`.
    var description: String {
        let unit = ["d", "h", "m"].first { unit in
            let length = Self.units[Character(unit)] ?? 1
            return seconds >= length && seconds.isMultiple(of: length)
        }
        guard let unit, let length = Self.units[Character(unit)] else { return "\(seconds)s" }
        return "\(seconds / length)\(unit)"
    }

    var defaultValueDescription: String { description }
}
