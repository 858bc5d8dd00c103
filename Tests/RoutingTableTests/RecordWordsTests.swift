import RegistryModel
import TableSamples
import TestRandom
import Testing

@testable import RoutingTable

@Suite("The words of a record") struct RecordWordsTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `give back what was put into them`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let domain = Domain(
                fqdn: fqdn(1),
                placement: Placement(
                    location: japan, mode: Mode.allCases.randomElement(using: &random) ?? .serve,
                    tenant: nil, fence: nil),
                revision: .zero, registeredAt: time(&random), changedAt: time(&random))
            let location = UInt16.random(in: 0...UInt16.max, using: &random)
            let texts = Int.random(in: 0..<RecordWords.textLimit, using: &random)
            let revision = UInt64.random(in: 0..<RecordWords.revisionLimit, using: &random)
            let length = Int.random(in: 1...255, using: &random)
            let words = RecordWords(
                view(domain), location: location, texts: texts, revision: revision,
                nameLength: length)
            #expect(words.isPresent)
            #expect(words.mode == domain.mode)
            #expect(words.registeredAt == domain.registeredAt)
            #expect(words.changedAt == domain.changedAt)
            #expect(words.location == Int(location))
            #expect(words.texts == texts)
            #expect(words.revision == revision)
            #expect(words.nameLength == length)

            let gone = words.gone(at: revision)
            #expect(!gone.isPresent)
            #expect(gone.revision == revision)
            #expect(gone.nameLength == length)
            #expect(gone.texts == 0)
        }
    }

    private func view(_ domain: Domain) -> DomainView {
        DomainView(
            location: domain.location, mode: domain.mode, fence: domain.fence,
            revision: domain.revision,
            registeredAt: domain.registeredAt, changedAt: domain.changedAt, texts: nil)
    }

    /// Years 0 to 9999: what RFC 3339 writes.
    private func time(_ random: inout SeededRandom) -> Timestamp {
        Timestamp(
            milliseconds: .random(in: -62_167_219_200_000..<253_402_300_800_000, using: &random))
    }

    @Test(arguments: [
        (Int64.min, -62_167_219_200_000 as Int64),
        (Int64.max, -62_167_219_200_000 + (1 << 49) - 1 as Int64),
    ])
    func `keep a time that's out of all reason at the nearest`(
        milliseconds: Int64, kept: Int64
    ) {
        var odd = domain(1)
        odd.changedAt = Timestamp(milliseconds: milliseconds)
        let words = RecordWords(view(odd), location: 0, texts: 0, revision: 1, nameLength: 9)
        #expect(words.changedAt.milliseconds == kept)
        #expect(words.registeredAt == odd.registeredAt)
    }
}
