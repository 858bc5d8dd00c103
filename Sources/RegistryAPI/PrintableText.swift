import RegistryModel

/// Text that comes from a file, a server or a caller, as a terminal may have it.
///
/// What steers a terminal, or makes a line look like another, is shown instead of obeyed, in the spelling
/// of JSON (`\u001b`): controls (C0, DEL, C1), marks of direction and other formatting, separators of
/// lines and paragraphs. In JSON that spelling means the same as the character itself.
package enum PrintableText {
    /// As part of a line: line breaks and tabs become blanks.
    package static func line(_ text: String) -> String {
        guard !isPlain(text) else { return text }
        return replacing(text) { scalar in
            switch scalar {
            case "\n", "\r", "\t": " "
            default: nil
            }
        }
    }

    /// As lines of our own: line breaks and tabs stay, and CRLF is one.
    package static func lines(_ text: String) -> String {
        guard !isPlain(text) else { return text }
        return replacing(text.replacing("\r\n", with: "\n")) { scalar in
            scalar == "\n" || scalar == "\t" ? String(scalar) : nil
        }
    }

    /// By bytes, which is quick: all that is visible ASCII, or a blank.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }

    private static func replacing(
        _ text: String, _ keep: (Unicode.Scalar) -> String?
    ) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if !steers(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += keep(scalar) ?? escape(scalar)
            }
        }
        return result
    }

    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// In UTF-16, as in JSON.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}

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

/// Text of map files, as exports and agents write it.
package enum MapText {
    /// A location's name has no colon.
    package static func placement(_ location: LocationName, _ mode: Mode) -> [UInt8] {
        Array("\(location.text):\(mode.rawValue)".utf8)
    }

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
