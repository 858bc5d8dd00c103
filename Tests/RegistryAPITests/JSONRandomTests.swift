import Foundation
import RegistryAPI
import TestRandom
import Testing

@Suite("Random JSON") struct JSONRandomTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `reads back as it was written, however it is spelled`(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        for _ in 0..<200 {
            let value = source.value()
            let text = written(value)
            #expect(try written(JSONValue(parsing: text.utf8)) == text)
            #expect(try JSONValue(parsing: text.utf8) == value)
            let spelling = source.spelling(of: value)
            #expect(try written(JSONValue(parsing: spelling.utf8)) == text, "\(spelling)")
        }
    }

    @Test(arguments: 100..<110 as Range<UInt64>)
    func `means the same to Foundation`(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        for _ in 0..<100 {
            let spelling = source.spelling(of: source.value())
            let ours = try JSONValue(parsing: spelling.utf8)
            let theirs = try JSONSerialization.jsonObject(
                with: Data(spelling.utf8), options: .fragmentsAllowed)
            #expect(agree(ours, theirs), "\(spelling)")
        }
    }

    @Test func `has the numbers that the C library reads`() throws {
        var random = SeededRandom(seed: 400)
        func digits(_ counts: ClosedRange<Int>) -> String {
            let count = Int.random(in: counts, using: &random)
            return String(
                (0..<count).map { _ in "0123456789".randomElement(using: &random) ?? "0" })
        }
        for _ in 0..<20_000 {
            let sign = Bool.random(using: &random) ? "-" : ""
            let exponent = Int.random(in: -330...307, using: &random)
            let text =
                "\(sign)\(Int.random(in: 0...9, using: &random)).\(digits(1...30))e\(exponent)"
            guard case .number(let number) = try JSONValue(parsing: text.utf8) else {
                Issue.record("\(text) isn't read as a number")
                continue
            }
            #expect(number.bitPattern == strtod(text, nil).bitPattern, "\(text)")
        }
    }

    /// What it does to a damaged document doesn't matter, so long as it returns, and takes nothing
    /// that Foundation refuses.
    @Test(arguments: 200..<220 as Range<UInt64>)
    func `never crashes the parser once it is damaged`(seed: UInt64) {
        var source = RandomJSON(seed: seed)
        for _ in 0..<200 {
            var bytes = Array(source.spelling(of: source.value()).utf8)
            for _ in 0...Int.random(in: 0..<3, using: &source.random) { source.damage(&bytes) }
            do throws(JSONSyntaxError) {
                let value = try JSONValue(parsing: bytes)
                let again = try JSONValue(parsing: written(value).utf8)
                #expect(written(again) == written(value))
                let theirs = try? JSONSerialization.jsonObject(
                    with: Data(bytes), options: .fragmentsAllowed)
                #expect(theirs.map { agree(value, $0) } == true, "\(bytes)")
            } catch {
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }

    @Test func `never crashes the parser when it is only noise`() {
        var random = SeededRandom(seed: 300)
        let marks = "{}[]:,\"\\/bfnrtu0123456789+-.eEdDcC \t\n"
        let alphabet = Array(marks.utf8) + [0xC3, 0xA9, 0xED, 0]
        for _ in 0..<50_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            do throws(JSONSyntaxError) {
                _ = try JSONValue(parsing: bytes)
            } catch {
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }

    private func agree(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: return theirs is NSNull
        case .bool(let flag): return theirs as? Bool == flag
        case .integer(let number): return (theirs as? NSNumber)?.int64Value == number
        case .number(let number):
            // On Linux theirs comes through a Decimal, and may be a few units off in the last place.
            guard let other = (theirs as? NSNumber)?.doubleValue else { return false }
            return abs(other - number) <= 1e-14 * abs(number)
        case .string(let text):
            return (theirs as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
        case .array(let elements):
            guard let others = theirs as? [Any], others.count == elements.count else {
                return false
            }
            return zip(elements, others).allSatisfy { agree($0, $1) }
        case .object(let members):
            guard let others = theirs as? [String: Any], others.count == members.count else {
                return false
            }
            return members.allSatisfy { member in
                others[member.key].map { agree(member.value, $0) } ?? false
            }
        }
    }
}
