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

    /// A new identity: 60 bits from the system's random source, as 12 lower-case base-32 digits.
    public static func random() -> Epoch {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")
        return Epoch(String((0..<12).map { _ in alphabet.randomElement() ?? "a" }))
    }

    public var description: String { text }
}

/// Where the log ends: what `X-Registry-Revision` says, and the digest that vouches for it.
public struct Head: Equatable, Sendable {
    public var epoch: Epoch
    public var revision: Revision
    /// SHA-256 over every revision up to this one, 32 octets; zeros for the empty log.
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

    public var description: String { "\(epoch).\(revision)" }
}
