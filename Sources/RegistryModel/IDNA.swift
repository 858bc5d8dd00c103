import CLibIDN2

/// IDNA2008 through libidn2, label by label.
///
/// Label by label because libidn2 takes `a..b` and full-width dots for one another. Without TR46,
/// so that nothing is mapped: a name means what it says or is refused. `IDN2_USE_STD3_ASCII_RULES`
/// is never used: it deletes characters silently instead of refusing them.
enum IDNA {
    private static let flags = Int32(IDN2_NO_TR46.rawValue)

    /// The name with every label outside ASCII as its A-label, and every A-label proved genuine.
    static func canonical(_ name: String) throws(FQDN.Malformed) -> String {
        var labels: [String] = []
        // By scalars: Unicode binds a dot to some letters, and then it's no `Character` of its own.
        for label in name.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false) {
            labels.append(try canonicalLabel(String(label)))
        }
        return labels.joined(separator: ".")
    }

    private static func canonicalLabel(_ label: String) throws(FQDN.Malformed) -> String {
        // A C string ends at NUL: what follows would go unseen.
        guard !label.utf8.contains(0) else { throw .forbiddenCharacter }
        if label.utf8.contains(where: { $0 >= 0x80 }) {
            guard let ascii = toASCII(label), let back = toUnicode(ascii) else {
                throw brokenRule(of: label)
            }
            // `==` on strings compares canonical equivalents; bytes are what counts here.
            guard back.utf8.elementsEqual(label.utf8) else { throw brokenRule(of: label) }
            try checkHyphens(of: label)
            return ascii
        }
        guard label.hasPrefix("xn--") else { return label }
        guard let unicode = toUnicode(label), unicode.utf8.contains(where: { $0 >= 0x80 }),
            toASCII(unicode) == label
        else { throw .notIDNA2008 }
        try checkHyphens(of: unicode)
        return label
    }

    /// RFC 5891 §4.2.3.1. libidn2 leaves it to STD3 rules, and in the A-label the hyphen hides.
    private static func checkHyphens(of label: String) throws(FQDN.Malformed) {
        let hyphen = UInt8(ascii: "-")
        guard label.utf8.first != hyphen, label.utf8.last != hyphen else { throw .hyphenAtEdge }
    }

    /// Which rule a label breaks that has no A-label: those that people meet have a name of their own.
    private static func brokenRule(of label: String) -> FQDN.Malformed {
        var output: UnsafeMutablePointer<CChar>?
        defer { idn2_free(output) }
        let status = idn2_to_ascii_8z(label, &output, flags)
        let scalars = label.unicodeScalars
        if status == IDN2_NOT_NFC.rawValue { return .notComposed }
        if scalars.contains(where: \.properties.changesWhenLowercased) { return .capitalLetter }
        // Folding changes these four too, and IDNA2008 takes them as they are.
        let kept: Set<Unicode.Scalar> = ["ß", "ς", "\u{200C}", "\u{200D}"]
        let isOther = scalars.contains {
            $0.properties.changesWhenNFKCCaseFolded && !kept.contains($0)
        }
        return isOther ? .compatibilityForm : .notIDNA2008
    }

    private static func toASCII(_ label: String) -> String? {
        converted { idn2_to_ascii_8z(label, &$0, flags) }
    }

    private static func toUnicode(_ label: String) -> String? {
        converted { idn2_to_unicode_8z8z(label, &$0, flags) }
    }

    private static func converted(
        _ convert: (inout UnsafeMutablePointer<CChar>?) -> Int32
    ) -> String? {
        var output: UnsafeMutablePointer<CChar>?
        let status = convert(&output)
        defer { idn2_free(output) }
        guard status == IDN2_OK.rawValue, let output else { return nil }
        return String(validatingCString: output)
    }
}
