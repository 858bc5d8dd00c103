/// Text in the Prometheus exposition format 0.0.4, while it is being written.
struct ExpositionText {
    /// A sample's value, in the form that loses nothing.
    enum Number {
        case whole(UInt64)
        case floating(Double)
        /// Written in seconds.
        case nanoseconds(UInt64)
    }

    private var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    var count: Int { bytes.count }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func header(name: String, help: String, type: String) {
        append("# HELP ")
        append(name)
        append(" ")
        for byte in help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            default: bytes.append(byte)
            }
        }
        append("\n# TYPE ")
        append(name)
        append(" ")
        append(type)
        append("\n")
    }

    /// - Parameters:
    ///   - labels: escaped already.
    ///   - bound: a bucket's upper bound.
    mutating func sample(
        _ name: String, suffix: String = "", labels: String, bound: String? = nil, _ value: Number
    ) {
        append(name)
        append(suffix)
        if !labels.isEmpty || bound != nil {
            append("{")
            append(labels)
            if let bound {
                append(labels.isEmpty ? "le=\"" : ",le=\"")
                append(bound)
                append("\"")
            }
            append("}")
        }
        append(" ")
        append(value)
        append("\n")
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ value: Number) {
        switch value {
        case .whole(let value): append(String(value))
        case .floating(let value): append(Self.text(value))
        case .nanoseconds(let value): append(Self.seconds(nanoseconds: value))
        }
    }

    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Up to 2^53 a Double holds every integer; from there on its own notation is the shorter.
        if value.magnitude < 0x1p53, let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    /// Exact, where a Double would start to round after three months of summed time.
    static func seconds(nanoseconds: UInt64) -> String {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return String(whole) }
        // The added one keeps the leading zeros; it is cut off again.
        var fraction = String(rest + 1_000_000_000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
