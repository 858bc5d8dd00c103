/// Finds a token of ours in an `Authorization`.
enum BearerToken {
    /// Proxies pass visitors' headers on: any other `Authorization` is theirs, and counts as none.
    static func find<Bytes: Collection<UInt8>>(in field: Bytes) -> Bytes.SubSequence? {
        guard let space = field.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        // `| 0x20` makes capitals small: the scheme is written in any case.
        guard field[..<space].lazy.map({ $0 | 0x20 }).elementsEqual("bearer".utf8) else {
            return nil
        }
        let token = field[field.index(after: space)...].drop { $0 == UInt8(ascii: " ") }
        return token.starts(with: "trk_".utf8) ? token : nil
    }
}
