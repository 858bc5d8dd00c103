import Foundation
import RegistryModel
import Synchronization

/// The `Date` field (RFC 9110 §6.6.1), written once a second.
final class DateField: Sendable {
    private struct Written {
        var second: Int
        var text: String
    }

    private let written = Mutex(Written(second: -1, text: ""))

    var now: String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let second = time.tv_sec
        return written.withLock { written in
            if written.second != second {
                written = Written(second: second, text: Self.text(second))
            }
            return written.text
        }
    }

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
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
