import TestRandom
import Testing

@testable import RegistryModel

/// Bytes are read by the rules of `FQDN.init`, or left to it.
@Suite("A name read from bytes") struct FQDNBytesTests {
    private static func read(_ bytes: [UInt8]) -> (FQDN.Reading, String) {
        withUnsafeTemporaryAllocation(byteCount: FQDN.maximumLength, alignment: 8) { canonical in
            let reading = bytes.withUnsafeBytes { FQDN.read($0, canonical: canonical) }
            guard case .canonical(let count) = reading else { return (reading, "") }
            return (reading, String(decoding: canonical[..<count], as: UTF8.self))
        }
    }

    private static func agrees(_ text: String) -> Bool {
        let (reading, name) = read(Array(text.utf8))
        let whole = try? FQDN(text)
        return switch reading {
        case .canonical: whole?.text == name
        case .malformed: whole == nil
        case .needsIDNA: true
        }
    }

    @Test(arguments: [
        "a.example.com", "A.Example.COM.", "a-b.c1.de", "a", "", ".", "..", "a..b", ".a.b", "a.b..",
        "-a.b", "a-.b", "a.b-", "1.2.3.4", "a.1", "a.b.c1", "a_b.c", "a b.c", "a.b:80", "*.b.c",
        String(repeating: "a", count: 63) + ".b", String(repeating: "a", count: 64) + ".b",
        String(repeating: "a.", count: 126) + "b", String(repeating: "a.", count: 126) + "b.",
        String(repeating: "a.", count: 126) + "bc", String(repeating: "a.", count: 600) + "b",
    ])
    func `is what it is as text`(text: String) {
        #expect(Self.agrees(text))
        #expect(Self.read(Array(text.utf8)).0 != .needsIDNA)
    }

    @Test(arguments: ["münchen.de", "xn--mnchen-3ya.de", "a.XN--p1ai", "a--b.de"])
    func `is left to libidn2 where that has to look`(text: String) {
        #expect(Self.read(Array(text.utf8)).0 == .needsIDNA)
    }

    @Test(arguments: UInt64(1)...8)
    func `is what it is as text, whatever the bytes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = Array("aAzZ09.-_ :\u{7F}x.n-é".utf8)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...12, using: &random)
            let bytes = (0..<length).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            guard let text = String(validating: bytes, as: UTF8.self) else { continue }
            #expect(Self.agrees(text), "\(text)")
        }
    }
}
