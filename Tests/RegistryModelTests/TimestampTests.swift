import Foundation
import RegistryModel
import TestRandom
import Testing

@Suite("A timestamp") struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-86_400_000, "1969-12-31T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_582_934_400_123, "2020-02-29T00:00:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-2_203_891_200_001, "1900-02-28T23:59:59.999Z"),
            (1_592_697_603_000, "2020-06-21T00:00:03.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `is written and read as RFC 3339`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test func `is written as the C library writes it, and reads as itself`() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<20_000 {
            let milliseconds = Int64.random(
                in: -62_167_219_200_000...253_402_300_799_999, using: &random)
            let timestamp = Timestamp(milliseconds: milliseconds)
            var seconds = time_t((Double(milliseconds) / 1000).rounded(.down))
            var parts = tm()
            gmtime_r(&seconds, &parts)
            let expected = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", Int(parts.tm_year) + 1900,
                Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min),
                Int(parts.tm_sec), Int(milliseconds - Int64(seconds) * 1000))
            #expect(timestamp.description == expected)
            #expect(Timestamp(rfc3339: timestamp.description) == timestamp)
        }
    }

    @Test(arguments: [
        ("2020-06-21T09:00:03+09:00", "2020-06-21T00:00:03.000Z"),
        ("2020-06-20T18:30:03.5-05:30", "2020-06-21T00:00:03.500Z"),
        ("2020-03-01T00:30:00+01:00", "2020-02-29T23:30:00.000Z"),
        ("2020-06-21t00:00:03z", "2020-06-21T00:00:03.000Z"),
        ("2020-06-21 00:00:03Z", "2020-06-21T00:00:03.000Z"),
        ("2020-06-21T00:00:03.1Z", "2020-06-21T00:00:03.100Z"),
        ("2020-06-21T00:00:03.1239999999999999999999Z", "2020-06-21T00:00:03.123Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ("2020-06-21T00:00:03-00:00", "2020-06-21T00:00:03.000Z"),
    ])
    func `is read with offsets, fractions and leap seconds`(text: String, canonical: String) {
        #expect(Timestamp(rfc3339: text)?.description == canonical)
    }

    @Test(arguments: [
        "", "2020", "2020-06-21", "2020-06-21T00:00:03", "2020-06-21T00:00Z",
        "2019-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2020-04-31T00:00:00Z",
        "2020-00-10T00:00:00Z", "2020-13-10T00:00:00Z", "2020-06-00T00:00:00Z",
        "2020-06-21T24:00:00Z", "2020-06-21T00:60:00Z", "2020-06-21T00:00:61Z",
        "2020-06-21T00:00:03.Z", "2020-06-21T00:00:03+24:00", "2020-06-21T00:00:03+0900",
        "2020-06-21T00:00:03+09:60", "2020-06-21T00:00:03ZZ", " 2020-06-21T00:00:03Z",
        "2020-06-21T00:00:03Z\n", "+020-06-21T00:00:03Z", "20200621T000003Z",
        "２020-06-21T00:00:03Z", "2020-06-21T00:00:03Z\0",
        // Outside the years that can be written.
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    ])
    func `isn't read from anything else`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `moves by durations, to the millisecond`() {
        let start = Timestamp(milliseconds: 1_000)
        #expect(start.adding(.milliseconds(1)).milliseconds == 1_001)
        #expect(start.adding(.seconds(-2)).milliseconds == -1_000)
        #expect(start.adding(.seconds(90 * 86_400)).milliseconds == 7_776_001_000)
        #expect(start < start.adding(.milliseconds(1)))
    }
}
