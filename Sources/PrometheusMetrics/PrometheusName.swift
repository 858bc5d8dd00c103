/// Names as Prometheus allows them.
///
/// One `_` stands for each character that isn't allowed; a leading digit gets a `_` before it, so
/// that two names that differ in it stay different.
enum PrometheusName {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    static func metric(_ text: String) -> String {
        legal(text, allowsColon: true)
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`
    static func label(_ text: String) -> String {
        legal(text, allowsColon: false)
    }

    private static func legal(_ text: String, allowsColon: Bool) -> String {
        guard let first = text.unicodeScalars.first else { return "_" }
        var result = isDigit(first) ? "_" : ""
        for scalar in text.unicodeScalars {
            let isKept = isLetter(scalar) || isDigit(scalar) || (allowsColon && scalar == ":")
            result.unicodeScalars.append(isKept ? scalar : "_")
        }
        return result
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar)
    }
}
