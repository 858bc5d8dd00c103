import Crypto
import RegistryModel

/// How far a store's log had come, noted outside of the store: what finds out that the store was put back.
///
/// A store that comes back by its engine's own means, from a replica or as a copy of its file, keeps its epoch
/// and lacks revisions that somebody has seen. A mark is written after a commit is durable, so it's at the head
/// or behind it, and a log that hasn't come as far as its mark, or went another way, isn't the log that was
/// marked. It can't tell apart what was copied together with its mark.
package struct StoreMark: Equatable, Sendable {
    package let epoch: Epoch
    package let revision: Revision
    /// The log's digest at that revision, 32 bytes.
    package let digest: [UInt8]

    /// A revision that the store's file has without the log beside it; 0 where there's no such thing.
    package let base: Revision

    package init(_ head: Head, base: Revision = .zero) {
        (epoch, revision, digest) = (head.epoch, head.revision, head.digest)
        self.base = base
    }

    package var position: Position { Position(epoch: epoch, revision: revision) }

    /// What speaks against a log being the one that was marked; nil where nothing does.
    ///
    /// - Parameters:
    ///   - head: where the log ends.
    ///   - logged: the digest that the log has at the mark's revision; nil where it has no such revision. Logs are
    ///     never pruned: one that lacks a revision below its head is another log.
    package func mismatch(with head: Head, logged: [UInt8]?) -> StoreMarkMismatch? {
        guard head.epoch == epoch else { return .otherEpoch }
        guard head.revision >= revision else { return .rewound }
        let found =
            head.revision == revision
            ? head.digest : revision == .zero ? RevisionDigest.genesis : logged
        guard let found else { return .notLogged }
        return found == digest ? nil : .otherDigest
    }
}

/// Why a log isn't the one that was marked.
package enum StoreMarkMismatch: Equatable, Sendable {
    case otherEpoch
    /// It ends before the mark.
    case rewound
    /// It lacks the mark's revision, and goes on beyond it.
    case notLogged
    /// Its revision of the mark's number is another one.
    case otherDigest

    /// Completes "the store isn't the one that …".
    package var reason: String {
        switch self {
        case .otherEpoch: "its epoch is another one"
        case .rewound: "it lacks revisions that it had"
        case .notLogged: "its log lacks the marked revision"
        case .otherDigest: "its log went another way"
        }
    }
}

/// As text: one line, of one length, so that the next one can be written over it in one call.
///
/// `tenant-registry mark 1`, the epoch (padded to 64), the revision (19 digits), the digest, the base (19 digits),
/// and the beginning of the SHA-256 of all that.
extension StoreMark {
    private static let title = "tenant-registry mark 1"
    private static let epochWidth = 64
    private static let numberWidth = 19
    private static let checksumBytes = 8
    private static let digits = Array("0123456789abcdef".utf8)

    /// Bytes of every line.
    package static let lineLength =
        "\(title) ".utf8.count + epochWidth + 2 * (1 + numberWidth) + 1 + 64 + 1
        + 2 * checksumBytes + 1

    package var line: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(Self.lineLength)
        line += Self.title.utf8
        line.append(0x20)
        line += epoch.text.utf8
        line += repeatElement(0x20, count: max(1, Self.epochWidth + 1 - epoch.text.utf8.count))
        Self.append(revision, to: &line)
        line.append(0x20)
        Self.append(digest, to: &line)
        line.append(0x20)
        Self.append(base, to: &line)
        line.append(0x20)
        let checksum = SHA256.hash(data: line).prefix(Self.checksumBytes)
        Self.append(checksum, to: &line)
        line.append(0x0A)
        return line
    }

    /// - Returns: nil for anything but a line as `line` makes it.
    package init?(line: [UInt8]) {
        guard line.count == Self.lineLength else { return nil }
        let fields = line.dropLast().split(separator: 0x20).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard fields.count == 8, let number = Int64(fields[4]), number >= 0,
            let digest = DigestText.bytes(fields[5]), let base = Int64(fields[6]), base >= 0
        else { return nil }
        self.init(
            Head(
                epoch: Epoch(fields[3]), revision: Revision(number), digest: digest,
                at: Timestamp(milliseconds: 0)), base: Revision(base))
        // Spelling and checksum, both at once.
        guard self.line == line else { return nil }
    }

    private static func append(_ revision: Revision, to line: inout [UInt8]) {
        let number = String(revision.number).utf8
        line += repeatElement(0x30, count: max(0, numberWidth - number.count))
        line += number
    }

    private static func append(_ bytes: some Sequence<UInt8>, to line: inout [UInt8]) {
        for byte in bytes {
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 15)])
        }
    }
}
