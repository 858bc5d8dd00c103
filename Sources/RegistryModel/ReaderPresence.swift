/// Tells whether whoever is to get what a task reads is still there: long reads ask between two steps, and end
/// with their reader.
///
/// It's a class, for with a task-local value of a function's type a release build of Swift 6.3.1 crashed: the
/// second `withValue` was given no type.
public final class ReaderPresence: Sendable {
    /// Nil: nobody in particular reads.
    @TaskLocal public static var current: ReaderPresence?

    private let answer: @Sendable () -> Bool

    public init(_ answer: @escaping @Sendable () -> Bool) {
        self.answer = answer
    }

    public func isThere() -> Bool { answer() }
}
