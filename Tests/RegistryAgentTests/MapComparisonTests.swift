import Crypto
import Foundation
import TableSamples
import TestRandom
import Testing

@testable import RegistryAgent

@Suite("A map beside the one before it") struct MapComparisonTests {
    private static func difference(
        _ old: String, _ new: String, in folder: TestFolder, pieces: Int = 1
    ) throws -> MapDifference? {
        try Data(old.utf8).write(to: URL(fileURLWithPath: folder.path("old")))
        let comparison = try MapComparison(
            folder.path("old"), digest: Array(SHA256.hash(data: Data(old.utf8))))
        let lines = new.split(separator: "\n").map { "\($0)\n" }
        for piece in stride(from: 0, to: lines.count, by: pieces) {
            comparison.take(Array(lines[piece..<min(piece + pieces, lines.count)].joined().utf8))
        }
        return comparison.end()
    }

    @Test func `has lines more, lines less, and others`() throws {
        let folder = try TestFolder()
        let found = try Self.difference(
            "a.b japan\nb.b aws\nc.b aws\ne.b aws\n",
            "aa.b aws\nb.b japan\nc.b aws\nd.b aws\ne.b aws\nf.b x\n",
            in: folder)
        #expect(
            found
                == MapDifference(
                    changes: [
                        .removed(name: "a.b"), .added(name: "aa.b", value: "aws"),
                        .set(name: "b.b", value: "japan"), .added(name: "d.b", value: "aws"),
                        .added(name: "f.b", value: "x"),
                    ], oldCount: 4, newCount: 6))
        #expect(try Self.difference("a.b x\n", "a.b x\n", in: folder)?.changes == [])
        #expect(try Self.difference("", "a.b x\n", in: folder)?.changes.count == 1)
        #expect(try Self.difference("a.b x\n", "", in: folder)?.changes == [.removed(name: "a.b")])
    }

    @Test func `makes the one of the other, whatever changed`() throws {
        let folder = try TestFolder()
        var random = SeededRandom(seed: 7)
        for round in 0..<50 {
            // More than fits into one reading of the file.
            var map = [String: String](
                uniqueKeysWithValues: (0..<(round < 3 ? 20_000 : 300)).map {
                    ("t\($0).example.com", $0 % 2 == 0 ? "aws" : "japan")
                })
            let old = Self.text(map)
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let name = "t\(Int.random(in: 0..<350, using: &random)).example.com"
                map[name] = ["aws", "japan", nil].randomElement(using: &random) ?? nil
            }
            let new = Self.text(map)
            let found = try #require(
                try Self.difference(
                    old, new, in: folder, pieces: Int.random(in: 1...500, using: &random)))
            #expect(Self.apply(found, to: old) == new)
            #expect(found.changes.count <= 12)
            #expect(found.newCount == map.count)
        }
    }

    @Test func `isn't one where too much changed, or the file isn't as it was written`() throws {
        let folder = try TestFolder()
        let old = Self.text(
            .init(uniqueKeysWithValues: (0..<100).map { ("t\($0).example.com", "aws") }))
        #expect(
            try Self.difference(old, old.replacing(" aws", with: " japan"), in: folder) == nil)
        #expect(try Self.difference(old, "", in: folder) == nil)
        #expect(try Self.difference("", old, in: folder) == nil)
        try Data("a.b aws\n".utf8).write(to: URL(fileURLWithPath: folder.path("old")))
        let foreign = try MapComparison(folder.path("old"), digest: [1])
        foreign.take(Array("a.b aws\n".utf8))
        #expect(foreign.end() == nil)
    }

    private static func text(_ map: [String: String]) -> String {
        map.keys.sorted().map { "\($0) \(map[$0] ?? "")\n" }.joined()
    }

    private static func apply(_ difference: MapDifference, to text: String) -> String {
        var map: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            map[String(words[0])] = String(words[1])
        }
        #expect(difference.oldCount == map.count)
        for change in difference.changes {
            switch change {
            case .added(let name, let value):
                #expect(map[name] == nil)
                map[name] = value
            case .set(let name, let value):
                #expect(map[name] != nil && map[name] != value)
                map[name] = value
            case .removed(let name): #expect(map.removeValue(forKey: name) != nil)
            }
        }
        return self.text(map)
    }
}
