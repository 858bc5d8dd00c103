/// Whether whoever is to get what a task reads is still there: long reads ask between two steps, and end
/// with their reader.
public enum ReaderPresence {
    @TaskLocal public static var isThere: @Sendable () -> Bool = { true }
}
