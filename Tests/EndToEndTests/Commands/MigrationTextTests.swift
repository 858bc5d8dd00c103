import ArgumentParser
import RegistryModel
import Testing

@testable import TenantRegistry

@Suite("What people write of a migration") struct MigrationTextTests {
    @Test(arguments: [
        ("15m", 900), ("60s", 60), ("2h", 7200), ("1d", 86_400), ("0", 0), ("90", 90), ("0s", 0),
    ])
    func `is a length of time`(text: String, seconds: Int) {
        #expect(TimeSpan(argument: text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "m", "1w", "-1s", "+1s", "1.5h", "1h30m", "15 m", "15M", "٣s", "99999999999999999999",
        "9223372036854775807d", "9999999999",
    ])
    func `is no length of time`(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test(arguments: [(900, "15m"), (90, "90s"), (7200, "2h"), (86_400, "1d"), (0, "0s")])
    func `is said in the largest unit`(seconds: Int, text: String) {
        #expect(TimeSpan(seconds: seconds).description == text)
        #expect(TimeSpan(argument: text)?.seconds == seconds)
    }

    @Test func `is sizes of waves`() throws {
        #expect(try WaveSizes("5,10%,rest").waves == [.count(5), .percent(10), .rest])
        #expect(try WaveSizes(" 1 , 2.5% ").waves == [.count(1), .percent(2.5)])
        #expect(try WaveSizes("rest").waves == [.rest])
        #expect(try WaveSizes("100%,100%").waves == [.percent(100), .percent(100)])
        let most = Array(repeating: "1", count: 1000).joined(separator: ",")
        #expect(try WaveSizes(most).waves.count == 1000)
        #expect(throws: ValidationError.self) { try WaveSizes(most + ",1") }
    }

    @Test(arguments: [
        "", ",", "5,", "0", "-5", "5.5", "0%", "101%", "%", "nan%", "0x10%", "1e1%", "rest,5",
        "all",
        "rest,rest", "٣", "99999999999999999999", "inf%",
    ])
    func `is no sizes of waves`(text: String) {
        #expect(throws: ValidationError.self) { try WaveSizes(text) }
    }

    @Test func `say why a domain stands in a step's way`() {
        let name = FQDN("a.example.com")
        let (japan, aws) = (LocationName("japan"), LocationName("aws"))
        let (there, here) = (
            WaveConflict.Place(location: aws, mode: .reject),
            WaveConflict.Place(location: japan, mode: .serve)
        )
        let words = [
            WaveConflict(fqdn: name, expected: here, found: there),
            WaveConflict(fqdn: name, expected: here, found: nil),
            WaveConflict(fqdn: name, expected: here, found: here, isFrozen: true),
            WaveConflict(fqdn: name, expected: nil, found: there),
            WaveConflict(fqdn: name, expected: nil, found: there, reason: .frozen),
        ].map(\.words)
        #expect(
            words == [
                "a.example.com is aws reject, expected japan serve",
                "a.example.com is released, expected japan serve",
                "a.example.com is japan serve, held by another wave, expected japan serve",
                "a.example.com has come to a tenant of the wave's: aws reject",
                "a.example.com is of a tenant of the wave's: aws reject, held by another wave",
            ])
    }
}
