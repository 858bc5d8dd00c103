/// What became of a check of the log against its digests, and of the current state against the log.
public struct Verification: Sendable, Hashable {
    /// Something that doesn't fit.
    public struct Flaw: Sendable, Hashable {
        /// The first revision that it concerns; nil where it concerns none, a trigger for example.
        public var revision: Revision?
        /// For people.
        public var what: String

        public init(_ revision: Revision?, _ what: String) {
            self.revision = revision
            self.what = what
        }
    }

    /// Up to where the log was checked: its head when the check began.
    public var revision: Revision
    /// The digest of that revision, 32 bytes.
    public var digest: [UInt8]
    /// None: everything fits. Else the first of each kind.
    public var flaws: [Flaw]
    /// What was looked at.
    public var extent: Extent
    /// Tables and other things beside the store's own, by name: somebody else's, which are left alone. A
    /// replicator's, for example.
    public var foreign: [String] = []

    public init(revision: Revision, digest: [UInt8], flaws: [Flaw], extent: Extent) {
        self.revision = revision
        self.digest = digest
        self.flaws = flaws
        self.extent = extent
    }

    public var isGood: Bool { flaws.isEmpty }

    public var firstBadRevision: Revision? { flaws.compactMap(\.revision).min() }

    /// All flaws in one text.
    public var what: String { flaws.map(\.what).joined(separator: "; ") }

    /// How much of the log and of the current state a check has seen.
    public struct Extent: Sendable, Hashable {
        public var revisions: Int64 = 0
        public var changes: Int64 = 0
        /// Live and released ones.
        public var domains: Int64 = 0

        public init() {}
    }
}

/// How much of the time a check takes for itself.
public enum VerificationPace: Sendable, Hashable {
    /// All that there is: somebody waits for it.
    case full
    /// A quarter: after each short read it rests for three times as long as that took, and others have the disk and the
    /// readers' connections.
    case background

    /// A rest after each read, in terms of the time that it took.
    public var restShare: Int {
        switch self {
        case .full: 0
        case .background: 3
        }
    }
}

/// How far a check is.
public struct VerificationProgress: Sendable, Hashable {
    public var extent: Verification.Extent
    /// The last revision to check.
    public var head: Revision

    public init(extent: Verification.Extent, head: Revision) {
        self.extent = extent
        self.head = head
    }
}

extension Store {
    /// A check that somebody waits for.
    public func verify(
        _ noted: NotedDigest?, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        try await verify(noted, pace: .full, progress: progress)
    }
}

/// A revision and its digest, written down elsewhere: what shows that the end of a log was cut off or
/// written anew, which the log itself can't show.
public struct NotedDigest: Sendable, Hashable {
    public var revision: Revision
    public var digest: [UInt8]

    /// Reads `48211:sha256:9f86…`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int64(parts[0]), number >= 0,
            let digest = DigestText.bytes(parts[1])
        else { return nil }
        revision = Revision(number)
        self.digest = digest
    }

    public var description: String { "\(revision):\(DigestText.text(digest))" }
}
