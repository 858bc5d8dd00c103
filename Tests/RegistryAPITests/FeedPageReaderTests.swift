import RegistryModel
import TestRandom
import Testing

@testable import RegistryAPI

/// The page as a tree is the measure: both must come to the same, or both refuse.
@Suite("A page of changes read in pieces") struct FeedPageReaderTests {
    private static func text(_ page: FeedPage) -> [UInt8] {
        var writer = JSONWriter()
        writer.write(page)
        return writer.bytes
    }

    /// - Parameter cuts: lengths of the pieces, over and over.
    private static func read(_ bytes: [UInt8], cuts: [Int]) throws -> FeedPage {
        var reader = FeedPageReader()
        var changes: [FeedChange] = []
        var (rest, turn) = (bytes[...], 0)
        while !rest.isEmpty {
            let piece = Array(rest.prefix(cuts[turn % cuts.count]))
            rest = rest.dropFirst(piece.count)
            turn += 1
            try piece.withUnsafeBytes { try reader.take($0) { changes.append($0) } }
        }
        let bounds = try reader.finish()
        return FeedPage(
            epoch: bounds.epoch, from: bounds.from, to: bounds.to, head: bounds.head,
            changes: changes)
    }

    private static func expectSame(_ bytes: [UInt8], cuts: [Int]) {
        let whole = try? FeedPage(parsing: bytes)
        let pieces = try? read(bytes, cuts: cuts)
        guard whole != pieces else { return }
        Issue.record(
            """
            \(String(decoding: bytes, as: UTF8.self)) in pieces of \(cuts) is \
            \(String(describing: pieces)), whole \(String(describing: whole))
            """)
    }

    @Test(arguments: 1...12) func `is the same wherever it's cut`(length: Int) throws {
        let bytes = Self.text(FeedTests.page)
        #expect(try Self.read(bytes, cuts: [length]) == FeedTests.page)
        #expect(try Self.read(bytes, cuts: [bytes.count]) == FeedTests.page)
    }

    @Test(arguments: [
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #" { "changes" : [ ] , "head" : 3 , "to" : 2 , "from" : 1 , "epoch" : "e" } "#,
        #"{"changes":[{"revision":2,"fqdn":"a.jp","gone":true}],"later":{"a":["]}"]},"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"\u0063hanges":[],"head":3,"to":2,"from":1,"epoch":"e"}"#,
    ]) func `may have its members in any order, and more than are known`(text: String) throws {
        #expect(try FeedPage(parsing: Array(text.utf8)).to == Revision(2))
        for length in 1...9 { Self.expectSame(Array(text.utf8), cuts: [length]) }
        #expect(try Self.read(Array(text.utf8), cuts: [7]).head == Revision(3))
    }

    @Test(arguments: [
        "", "{", "[]", "1", "{}", #"{"changes":[]}"#, #"{"changes":{}}"#,
        #"{"changes":null,"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[],"changes":[],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[],"\u0068ead":3,"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[,],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[1],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[{"revision":2,"fqdn":"a.jp","gone":true},],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[{"revision":3,"fqdn":"a.jp","gone":true}],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[{"revision":1,"fqdn":"a.jp","gone":true}],"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e",}"#,
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e"}}"#,
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e"} x"#,
        #"{"changes":[],"head":3 4,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[]"head":3,"to":2,"from":1,"epoch":"e"}"#,
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e","x":tru}"#,
        #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e","x":]}"#,
        "\u{FEFF}" + #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e"}"#,
    ]) func `is refused where the whole page would be`(text: String) {
        #expect(throws: FeedFormatError.self) { try FeedPage(parsing: Array(text.utf8)) }
        for length in 1...9 {
            #expect(throws: FeedFormatError.self) {
                try Self.read(Array(text.utf8), cuts: [length])
            }
        }
    }

    @Test func `may be nested as deep as the whole page, and no deeper`() {
        for depth in 28...33 {
            let deep =
                String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            for text in [
                #"{"changes":[],"head":3,"to":2,"from":1,"epoch":"e","x":\#(deep)}"#,
                #"{"changes":[{"revision":2,"fqdn":"a.jp","gone":true,"x":\#(deep)}],"head":3,"to":2,"from":1,"epoch":"e"}"#,
            ] { Self.expectSame(Array(text.utf8), cuts: [5]) }
        }
    }

    @Test func `is never held: an endless part is refused`() {
        var reader = FeedPageReader()
        let piece = Array(repeating: UInt8(ascii: "a"), count: 1 << 16)
        #expect(throws: FeedFormatError.self) {
            try Array(#"{"changes":[{"fqdn":""#.utf8).withUnsafeBytes {
                try reader.take($0) { _ in }
            }
            for _ in 0..<64 { try piece.withUnsafeBytes { try reader.take($0) { _ in } } }
        }
    }

    /// Random pages, cut anywhere, each also with some bytes put in, taken out or changed.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `comes to what the whole page comes to, whatever it is`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<400 {
            var bytes = Self.text(Self.page(&random))
            let cuts = (0..<5).map { _ in Int.random(in: 1...40, using: &random) }
            Self.expectSame(bytes, cuts: cuts)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let signs = Array(#"{}[],:"\0 19aetnu-."#.utf8)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(signs.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes[place] = signs.randomElement(using: &random) ?? 0
                default: bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            Self.expectSame(bytes, cuts: cuts)
        }
    }

    private static func page(_ random: inout SeededRandom) -> FeedPage {
        let from = Int64.random(in: 0...9, using: &random)
        let to = from + Int64.random(in: 0...3, using: &random)
        var page = FeedPage(
            epoch: Epoch("e\\\"é"), from: Revision(from), to: Revision(to),
            head: Revision(to + Int64.random(in: 0...1, using: &random)))
        var revision = from + 1
        for number in 0..<Int.random(in: 0...6, using: &random) where revision <= to {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                page.changes.append(
                    .gone(Revision(revision), FQDN(canonical: "gone\(number).kintone.com")))
            case 1:
                page.changes.append(
                    .locationChanged(
                        Revision(revision), LocationName(canonical: "osaka"),
                        upstream: number.isMultiple(of: 2)
                            ? nil : UpstreamURL(canonical: "http://osaka:80")))
            default:
                var domain = FeedTests.domain
                domain.fqdn = FQDN(canonical: "t\(number).kintone.com")
                domain.placement.tenant =
                    ["]}", "\"\\", "株式会社", nil].randomElement(using: &random) ?? nil
                domain.revision = Revision(revision)
                page.changes.append(.set(domain))
            }
            if Bool.random(using: &random) { revision += 1 }
        }
        return page
    }
}
