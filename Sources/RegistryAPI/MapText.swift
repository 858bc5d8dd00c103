/// Text of map files, as exports and agents write it.
package enum MapText {
    /// A value in nginx's quotes, where a semicolon or a brace ends nothing. A dollar sign begins a
    /// variable there too, and nginx has no way to write one: it's percent-encoded, as any URL may
    /// have it.
    package static func nginx(_ text: String) -> [UInt8] {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                quoted += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "$"): quoted += "%24".utf8
            default: quoted.append(byte)
            }
        }
        return quoted + [UInt8(ascii: "\"")]
    }
}
