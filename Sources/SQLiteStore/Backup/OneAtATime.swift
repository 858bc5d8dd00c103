import Synchronization

/// Lets in one at a time, and the others know.
final class OneAtATime: Sendable {
    private let isTaken = Mutex(false)

    /// - Returns: false where somebody is in.
    func begin() -> Bool {
        isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
    }

    func end() {
        isTaken.withLock { $0 = false }
    }
}
