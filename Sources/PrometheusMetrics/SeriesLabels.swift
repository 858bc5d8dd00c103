/// What tells one series of a family from another, as it stands between the braces.
///
/// The labels are sorted and escaped, hence equal text means equal labels, whatever the order they
/// came in. Of two values for one name the greater stays, because a name may stand there only once.
struct SeriesLabels {
    let text: String

    /// - Parameter reserved: a name the format itself uses in this family (`le`); the caller's
    ///   label of that name gets the prefix `exported_`, as Prometheus does with such clashes.
    init(_ dimensions: [(String, String)], reserved: String? = nil) {
        guard !dimensions.isEmpty else {
            text = ""
            return
        }
        let pairs = dimensions.map { name, value in
            let legal = PrometheusName.label(name)
            return (legal == reserved ? "exported_" + legal : legal, value)
        }.sorted { $0 < $1 }

        var text = ""
        for (index, (name, value)) in pairs.enumerated() {
            if index + 1 < pairs.count, pairs[index + 1].0 == name { continue }
            if !text.isEmpty { text += "," }
            text += "\(name)=\"\(Self.escaped(value))\""
        }
        self.text = text
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

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
