import RegistryModel
import TestRandom
import Testing

@Suite("Any text as a name") struct FQDNPropertyTests {
    /// What names are made of, and what breaks them.
    private static let pieces: [String] =
        [
            "a", "b", "z", "A", "Z", "0", "9", "-", "--", ".", "..", "xn--", "XN--", "_", ":", " ",
            "\0",
        ]
        + ["ü", "Ü", "u\u{308}", "ß", "ſ", "日", "א", "\u{200C}", "\u{200D}", "\u{301}", "。", "．"]
        + ["\u{0D4E}", "\u{0600}", "😀", "\r\n", "\u{7F}", "example", "kintone.com", "bcher-kva"]

    private static func randomText(_ random: inout SeededRandom) -> String {
        (0..<Int.random(in: 0...12, using: &random))
            .map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }

    private static func randomScalars(_ random: inout SeededRandom) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let limit: UInt32 = Bool.random(using: &random) ? 0x3100 : 0x11_0000
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) {
                text.append(scalar)
            }
            if Int.random(in: 0...3, using: &random) == 0 { text.append(".") }
        }
        return String(text) + (Bool.random(using: &random) ? ".example" : "")
    }

    private static func expectCanonical(_ name: FQDN, from input: String) throws {
        #expect(name.text.utf8.allSatisfy { $0 < 0x80 }, "\(input.debugDescription)")
        #expect(isPlainHostName(name.text), "\(input.debugDescription) gave \(name.text)")
        #expect(try FQDN(name.text) == name, "\(input.debugDescription)")
        #expect(try FQDN(name.text.uppercased() + ".") == name, "\(input.debugDescription)")
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `is refused, or becomes a value that reads as itself`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var accepted = 0
        for round in 0..<20_000 {
            let input =
                round.isMultiple(of: 2)
                ? Self.randomText(&random) : Self.randomScalars(&random)
            guard let name = try? FQDN(input) else { continue }
            accepted += 1
            try Self.expectCanonical(name, from: input)
        }
        #expect(accepted > 100, "the inputs must reach the accepting side too")
    }

    @Test func `survives bytes that aren't UTF-8`() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try? FQDN(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `in ASCII is accepted exactly where the rules, written another way, say so`() {
        var random = SeededRandom(seed: 6)
        let alphabet = Array("aaabz019--..._")
        var accepted = 0
        for _ in 0..<50_000 {
            let input = String(
                (0..<Int.random(in: 0...10, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? "a"
                })
            let isAccepted = (try? FQDN(input)) != nil
            let canonical = input.hasSuffix(".") ? String(input.dropLast()) : input
            #expect(isAccepted == isPlainHostName(canonical), "\(input)")
            accepted += isAccepted ? 1 : 0
        }
        #expect(accepted > 1_000)
    }
}

/// The rules of the contract on canonical text, a line each.
private func isPlainHostName(_ name: String) -> Bool {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return name.utf8.count <= 253 && labels.count >= 2
        && labels.allSatisfy { (1...63).contains($0.utf8.count) }
        && labels.allSatisfy { $0.allSatisfy(allowed.contains) }
        && labels.allSatisfy { !$0.hasPrefix("-") && !$0.hasSuffix("-") }
        && !(labels.last ?? "").allSatisfy(\.isWholeNumber)
}
