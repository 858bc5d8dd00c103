import Logging

/// A line of JSON, while it is being written. Secrets in strings are left out on the way.
struct JSONText {
    private var bytes: [UInt8] = []
    /// Whether a comma is due before the next key or element.
    private var needsComma = false

    init() {
        bytes.reserveCapacity(512)
    }

    /// With its newline.
    var line: String {
        String(decoding: bytes, as: UTF8.self) + "\n"
    }

    mutating func open(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    mutating func key(_ key: String) {
        comma()
        quoted(key, .text)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func string(_ text: String, _ kind: Redaction.Kind = .text) {
        comma()
        quoted(text, kind)
        needsComma = true
    }

    mutating func members(_ metadata: Logger.Metadata) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            self.key(key)
            if Redaction.isSecret(key: key) {
                string(Redaction.mark)
            } else {
                self.value(value)
            }
        }
    }

    private mutating func value(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text):
            string(text, .value)
        case .stringConvertible(let object):
            string(object.description, .value)
        case .array(let elements):
            comma()
            open("[")
            for element in elements { self.value(element) }
            close("]")
        case .dictionary(let metadata):
            comma()
            open("{")
            members(metadata)
            close("}")
        }
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func quoted(_ text: String, _ kind: Redaction.Kind) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { utf8 in
            var start = 0
            while let secret = Redaction.nextSecret(in: utf8, from: start, kind) {
                escape(utf8[start..<secret.lowerBound])
                bytes.append(contentsOf: Redaction.mark.utf8)
                start = secret.upperBound
            }
            escape(utf8[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ utf8: Slice<UnsafeBufferPointer<UInt8>>) {
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: #"\""#.utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: #"\r"#.utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: #"\t"#.utf8)
            case 0x08: bytes.append(contentsOf: #"\b"#.utf8)
            case 0x0C: bytes.append(contentsOf: #"\f"#.utf8)
            case ..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
    }
}
