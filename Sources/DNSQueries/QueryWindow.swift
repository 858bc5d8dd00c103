/// How many questions may be on their way: more as answers come, fewer where some get lost, for more would be lost then.
package struct QueryWindow: Hashable, Sendable {
    package static let least = 16
    /// What the socket of a server that has just been idle takes at once: Knot 3.2 lets some of 200 drop.
    package static let first = 48
    package static let mostInFlight = 200

    package private(set) var size = Self.first
    /// What was on its way when it was last made smaller was sent by the old measure.
    private var untilNextLoss = 0
    private var untilGrowth = Self.first / 8

    package init() {}

    /// - Parameter wasLost: whether a try of the question had no answer.
    package mutating func note(wasLost: Bool) {
        untilNextLoss = max(0, untilNextLoss - 1)
        if wasLost {
            guard untilNextLoss == 0 else { return }
            untilNextLoss = size
            size = max(Self.least, size / 2)
            untilGrowth = size
        } else if untilGrowth > 1 {
            untilGrowth -= 1
        } else {
            size = min(Self.mostInFlight, size + 1)
            untilGrowth = size / 8
        }
    }
}

/// When it's no use to ask on. Some loss there is under load, the more the longer it's asked; but a server that's gone, or answers
/// only some to each client, isn't waited for.
package struct QueryPatience: Hashable, Sendable {
    private var asked = 0
    private var silent = 0
    private var silentInARow = 0

    /// Without any answer between them.
    package static let silentAtMost = 64

    package init() {}

    /// - Parameter isSilent: whether the question had no answer, after all its tries.
    package mutating func note(isSilent: Bool) {
        asked += 1
        silent += isSilent ? 1 : 0
        silentInARow = isSilent ? silentInARow + 1 : 0
    }

    package var isOver: Bool { silentInARow >= Self.silentAtMost || silent >= 20 + asked / 20 }
}
