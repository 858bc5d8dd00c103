import RegistryModel
import Synchronization

/// One revision as the feed keeps it, with its bytes once somebody has asked for them.
///
/// However many readers there are, a small revision is encoded once. Of a large one only the pieces
/// that were read last are kept: readers that keep up with each other share them.
public final class FeedRevision: Sendable {
    public let changes: RevisionChanges
    private let pieces = Mutex(FeedChunks())

    /// Changes in one piece: some 90 KiB.
    public static let pieceSize = 512
    /// Pieces kept of each revision: some 700 KiB.
    private static let keptPieces = 8

    init(_ changes: RevisionChanges) {
        self.changes = changes
    }

    public var revision: Revision { changes.revision }

    /// Of domains and locations.
    public var count: Int { changes.domains.count + changes.locations.count }

    public var pieceCount: Int { (count + Self.pieceSize - 1) / Self.pieceSize }

    /// Which of all changes are in a piece; those of locations come after those of domains.
    public func range(ofPiece number: Int) -> Range<Int> {
        let start = number * Self.pieceSize
        return start..<min(start + Self.pieceSize, count)
    }

    /// Those of a piece that somebody has encoded, and that hasn't made room for others.
    public func bytes(ofPiece number: Int) -> [UInt8]? {
        pieces.withLock { $0.find(number) }
    }

    public func keep(_ bytes: [UInt8], ofPiece number: Int) {
        pieces.withLock { $0.keep(bytes, number, atMost: Self.keptPieces) }
    }
}

/// Bytes of the pieces that were read last.
private struct FeedChunks {
    /// The last used one last.
    private var kept: [(number: Int, bytes: [UInt8])] = []

    mutating func find(_ number: Int) -> [UInt8]? {
        guard let place = kept.firstIndex(where: { $0.number == number }) else { return nil }
        let piece = kept[place]
        if place != kept.count - 1 {
            kept.remove(at: place)
            kept.append(piece)
        }
        return piece.bytes
    }

    mutating func keep(_ bytes: [UInt8], _ number: Int, atMost limit: Int) {
        guard !kept.contains(where: { $0.number == number }) else { return }
        if kept.count == limit { kept.removeFirst() }
        kept.append((number, bytes))
    }
}
