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
