/// Where a text stops being JSON, and why. Short enough to show to who sent the text.
package struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes before the place.
    package var offset: Int
    package var reason: String

    package init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    package var description: String { "at byte \(offset): \(reason)" }
}
