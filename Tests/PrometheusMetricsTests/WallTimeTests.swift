import Foundation
import Testing

@testable import PrometheusMetrics

@Suite("The time in a log line") struct WallTimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_798_761_599_012, "2026-12-31T23:59:59.012Z"),
        ] as [(Int64, String)])
    func `is in UTC with milliseconds`(milliseconds: Int64, text: String) {
        #expect(WallTime(millisecondsSince1970: milliseconds).rfc3339 == text)
    }

    /// From 1586 on: before October 1582 Foundation's calendar is the Julian one.
    @Test func `is Foundation's for every day of eight hundred years`() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in (-140_000 as Int64)..<152_194 {
            let time = WallTime(millisecondsSince1970: day * 86_400_000)
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            guard date.formatted(style) != time.rfc3339 else { continue }
            Issue.record("\(date.formatted(style)) isn't \(time.rfc3339)")
            return
        }
    }

    @Test func `is now`() {
        let difference =
            Double(WallTime.now().millisecondsSince1970) / 1_000
            - Date().timeIntervalSince1970
        #expect(abs(difference) < 5)
    }
}
