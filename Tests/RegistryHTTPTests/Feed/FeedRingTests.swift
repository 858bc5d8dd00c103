import RegistryModel
import Testing

@testable import RegistryService

@Suite("The feed's memory", .whateverTheStore, .timeLimit(.minutes(15))) struct FeedRingTests {
    private static let epoch = Epoch("e")

    private static func changes(_ revision: Int64, _ count: Int) -> RevisionChanges {
        RevisionChanges(
            revision: Revision(revision),
            domains: (0..<count).map { .gone(FQDN(canonical: "n\($0).r\(revision).example")) })
    }

    private static func ring(capacity: Int, at revision: Int64 = 0) -> FeedRing {
        var ring = FeedRing(capacity: capacity)
        ring.begin(at: Position(epoch: epoch, revision: Revision(revision)))
        return ring
    }

    private static func add(_ changes: RevisionChanges, to ring: inout FeedRing, isNew: Bool) {
        let result = ring.add(changes) != nil
        #expect(result == isNew)
    }

    @Test func `keeps what fits, the newest`() {
        var ring = Self.ring(capacity: 10)
        for revision in 1...100 as ClosedRange<Int64> {
            Self.add(Self.changes(revision, 1 + Int(revision % 3)), to: &ring, isNew: true)
            let oldest = (1...revision).reversed().reduce(into: (weight: 0, at: revision + 1)) {
                guard $0.at == $1 + 1, $0.weight + 1 + Int($1 % 3) <= 10 else { return }
                $0 = ($0.weight + 1 + Int($1 % 3), $1)
            }.at
            for after in 0...revision {
                let slice = ring.slice(
                    after: Revision(after), through: Revision(revision), limit: .max)
                let expected = after + 1 >= oldest ? Array(after + 1..<revision + 1) : nil
                #expect(slice?.map(\.revision.number) == expected, "\(after) at \(revision)")
            }
        }
    }

    @Test func `gives whole revisions, up to a limit and an end`() {
        var ring = Self.ring(capacity: 1000, at: 40)
        for revision in 41...60 as ClosedRange<Int64> {
            Self.add(Self.changes(revision, revision == 50 ? 300 : 0), to: &ring, isNew: true)
        }
        func slice(_ after: Int64, _ last: Int64, _ limit: Int) -> [Int64]? {
            ring.slice(after: Revision(after), through: Revision(last), limit: limit)?
                .map(\.revision.number)
        }
        #expect(slice(40, 60, 1) == [41])
        #expect(slice(48, 60, 2) == [49, 50])
        #expect(slice(49, 60, 1) == [50])
        #expect(slice(49, 51, 1000) == [50, 51])
        #expect(slice(60, 60, 1) == [])
        #expect(slice(39, 60, 1) == nil)
    }

    @Test func `has nothing of a revision that is too large, and goes on after it`() {
        var ring = Self.ring(capacity: 10)
        Self.add(Self.changes(1, 1), to: &ring, isNew: true)
        Self.add(Self.changes(2, 11), to: &ring, isNew: true)
        #expect(ring.head?.revision == Revision(2))
        #expect(ring.slice(after: Revision(1), through: Revision(2), limit: 1) == nil)
        Self.add(Self.changes(3, 1), to: &ring, isNew: true)
        #expect(ring.slice(after: Revision(2), through: Revision(3), limit: 1)?.count == 1)
    }

    @Test func `passes over what it has, and begins anew after a gap`() {
        var ring = Self.ring(capacity: 10)
        Self.add(Self.changes(1, 1), to: &ring, isNew: true)
        Self.add(Self.changes(1, 1), to: &ring, isNew: false)
        Self.add(Self.changes(5, 1), to: &ring, isNew: true)
        #expect(ring.head?.revision == Revision(5))
        #expect(ring.slice(after: Revision(1), through: Revision(5), limit: 1) == nil)
        #expect(ring.slice(after: Revision(4), through: Revision(5), limit: 1) == nil)
    }

    @Test func `encodes a small revision once, and keeps a few pieces of a large one`() {
        var count = 0
        func read(_ revision: FeedRevision, _ piece: Int) -> Int {
            if let kept = revision.bytes(ofPiece: piece) { return kept.count }
            count += 1
            let bytes = [UInt8](repeating: 0, count: revision.range(ofPiece: piece).count)
            revision.keep(bytes, ofPiece: piece)
            return bytes.count
        }
        let small = FeedRevision(Self.changes(1, 3))
        for _ in 0..<100 { #expect(read(small, 0) == 3) }
        #expect(count == 1)
        let large = FeedRevision(Self.changes(1, FeedRevision.pieceSize * 20 + 1))
        #expect(large.pieceCount == 21)
        for piece in 0..<20 { #expect(read(large, piece) == FeedRevision.pieceSize) }
        #expect(read(large, 20) == 1)
        #expect(count == 22)
        #expect(read(large, 19) == FeedRevision.pieceSize)
        #expect(count == 22)
        #expect(read(large, 0) == FeedRevision.pieceSize)
        #expect(count == 23)
        #expect(FeedRevision(Self.changes(1, 0)).pieceCount == 0)
    }
}
