/// The number of one write: the first is 1, without gaps, in commit order. 0 is the empty log.
public struct Revision: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let number: Int64

    public init(_ number: Int64) {
        self.number = number
    }

    public static let zero = Revision(0)

    /// The last number there is has itself: what somebody else sends may be any.
    public var next: Revision { Revision(number == .max ? .max : number + 1) }

    public static func < (left: Revision, right: Revision) -> Bool { left.number < right.number }

    public var description: String { String(number) }

    public init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// Identity of one store lifetime. Restoring a backup makes a new one, so that nobody mistakes a
/// rewound revision for one that they have seen.
public struct Epoch: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    /// Digits of a new one.
    static let length = 12

    /// A new identity: 60 bits from the system's random source, as 12 lower-case base-32 digits.
    public static func random() -> Epoch {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")
        return Epoch(String((0..<length).map { _ in alphabet.randomElement() ?? "a" }))
    }

    public var description: String { text }
}

/// Where the log ends: what `X-Registry-Revision` says, and the digest that vouches for it.
public struct Head: Equatable, Sendable {
    public var epoch: Epoch
    public var revision: Revision
    /// SHA-256 over every revision up to this one, 32 bytes; zeros for the empty log.
    public var digest: [UInt8]
    /// Time of the last revision. Never goes back, even when the clock does.
    public var at: Timestamp

    public init(epoch: Epoch, revision: Revision, digest: [UInt8], at: Timestamp) {
        self.epoch = epoch
        self.revision = revision
        self.digest = digest
        self.at = at
    }
}

/// What an answer was read at: `X-Registry-Revision: <epoch>.<revision>`.
public struct Position: Hashable, Sendable, CustomStringConvertible {
    public var epoch: Epoch
    public var revision: Revision

    public init(epoch: Epoch, revision: Revision) {
        self.epoch = epoch
        self.revision = revision
    }

    /// From `<epoch>.<revision>`, in the one spelling that it has; nil for any other text.
    public init?(_ text: some StringProtocol) {
        guard let dot = text.firstIndex(of: "."),
            let number = Int64(text[text.index(after: dot)...]), number >= 0,
            String(number) == text[text.index(after: dot)...]
        else { return nil }
        let epoch = text[..<dot].utf8
        // `1.5` is a number with a fraction, and no revision.
        let isNumber = epoch.allSatisfy { (0x30...0x39).contains($0) }
        guard (1...64).contains(epoch.count), !isNumber || epoch.count == Epoch.length,
            epoch.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") })
        else { return nil }
        self.init(epoch: Epoch(String(text[..<dot])), revision: Revision(number))
    }

    public var description: String { "\(epoch).\(revision)" }
}

/// A revision that somebody outside names: a number alone, or `<epoch>.<revision>`, which can't be taken
/// for one of another store lifetime.
public struct NamedRevision: Hashable, Sendable, CustomStringConvertible {
    /// Nil: they didn't say, and mean the one that there is.
    public let epoch: Epoch?
    public let revision: Revision

    public init?(_ text: some StringProtocol) {
        if let position = Position(text) {
            (epoch, revision) = (position.epoch, position.revision)
        } else if let number = Int64(text), number >= 0 {
            (epoch, revision) = (nil, Revision(number))
        } else {
            return nil
        }
    }

    /// - Parameter epoch: what there is.
    /// - Throws: `resync` where another one was named: a revision of that is no revision of this.
    public func checked(in epoch: Epoch) throws(RegistryError) -> Revision {
        guard self.epoch == nil || self.epoch == epoch else {
            throw .resync("the epoch is \(epoch) now: \(self) is of another one")
        }
        return revision
    }

    public var description: String { (epoch.map { "\($0)." } ?? "") + "\(revision)" }
}

/// A SHA-256 as people and programs pass it on: `sha256:` and 64 hexadecimal digits.
public enum DigestText {
    private static let prefix = "sha256:"

    /// - Parameter digest: 32 bytes.
    public static func text(_ digest: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return prefix + String(decoding: hex, as: UTF8.self)
    }

    /// - Parameter text: with the prefix or without, digits in any case.
    /// - Returns: 32 bytes; nil for any other text.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let hex = text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
        let digits = hex.utf8.map { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x41 + 10
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        let known = digits.compactMap(\.self)
        guard digits.count == 64, known.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { known[$0] << 4 | known[$0 + 1] }
    }
}
