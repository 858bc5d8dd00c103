import Foundation
import RegistryModel

/// The `Date` field (RFC 9110 §6.6.1), written once a second.
struct DateField {
    private var second = Int.min
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private(set) var bytes: [UInt8] = []

    /// Brings `bytes` up to date.
    mutating func update() {
        var time = timespec()
        // A few milliseconds late at most, and a third of the price.
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        guard time.tv_sec != second else { return }
        second = time.tv_sec
        bytes = Array(Self.text(second).utf8)
    }

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ second: Int) -> String {
        let day = second / 86_400
        let date = CivilDate(daysSince1970: day)
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        let time = [second / 3600 % 24, second / 60 % 60, second % 60].map(two).joined(
            separator: ":")
        return
            "\(days[day % 7]), \(two(date.day)) \(months[date.month - 1]) \(date.year) \(time) GMT"
    }
}
