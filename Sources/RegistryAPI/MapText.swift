/// Text of map files, as exports and agents write it.
package enum MapText {
    /// A value in nginx's quotes, where a semicolon or a brace ends nothing. A dollar sign begins a
    /// variable there too, and nginx has no way to write one: it's percent-encoded, as any URL may
    /// have it.
    package static func nginx(_ text: String) -> [UInt8] {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                quoted += [UInt8(ascii: "\\"), octet]
            case UInt8(ascii: "$"): quoted += "%24".utf8
            default: quoted.append(octet)
            }
        }
        return quoted + [UInt8(ascii: "\"")]
    }
}
