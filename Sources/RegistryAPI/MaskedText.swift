/// Takes secrets out of a text that somebody else has written: an error of a library can hold what it was
/// given. A last line of defence at the doors to people, not a licence to hand secrets on.
package enum MaskedText {
    /// Stands where a secret stood.
    private static let mark = "***"

    /// The secret of `trk_<id>_<secret>`, what follows `Bearer` or `Basic`, and the user and password of a
    /// URL.
    package static func mask(_ text: String) -> String {
        guard
            text.utf8.contains(where: { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "@") })
                || text.contains("Bearer") || text.contains("Basic")
        else { return text }
        return
            text
            .replacing(#/trk_([A-Za-z0-9]*)_[^\s"',;&<>()\[\]{}]+/#) { "trk_\($0.1)_\(mark)" }
            .replacing(#/(Bearer|Basic) +[^\s"',;\]]{8,}/#) { "\($0.1) \(mark)" }
            .replacing(#/:\/\/[^\s\/"']*@/#) { _ in "://\(mark)@" }
    }
}
