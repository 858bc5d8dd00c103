/// Names as Route 53 writes them: absolute, with the final dot, what isn't a letter, a digit, a hyphen or an underscore as a
/// backslash and three octal digits, the asterisk among them.
public enum Route53Names {
    /// - Returns: the name as `RecordSet` has it.
    public static func read(_ text: some StringProtocol) -> String {
        var bytes = Array(text.utf8)
        if bytes.last == 0x2E { bytes.removeLast() }
        // Nearly all names have nothing to be read.
        guard bytes.contains(where: { $0 == 0x5C || (0x41...0x5A).contains($0) }) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var name: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == 0x5C, place + 3 < bytes.count,
                let code = octal(bytes[(place + 1)...(place + 3)])
            {
                append(code, to: &name)
                place += 4
            } else {
                name.append(lowered(bytes[place]))
                place += 1
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// - Returns: the name as requests may have it. An asterisk is taken as it is.
    public static func written(_ name: String) -> String {
        guard name.utf8.contains(0x5C) else { return name + "." }
        let bytes = Array(name.utf8)
        var text = ""
        var place = 0
        while place < bytes.count {
            guard bytes[place] == 0x5C, place + 1 < bytes.count else {
                text.unicodeScalars.append(Unicode.Scalar(bytes[place]))
                place += 1
                continue
            }
            let digits = bytes[(place + 1)...].prefix(3)
            if digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self)) {
                text += escape(code, radix: 8)
                place += 4
            } else {
                text += escape(bytes[place + 1], radix: 8)
                place += 2
            }
        }
        return text + "."
    }

    private static func octal(_ digits: ArraySlice<UInt8>) -> UInt8? {
        UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
    }

    private static func append(_ code: UInt8, to name: inout [UInt8]) {
        let byte = lowered(code)
        let isPlain =
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            || byte == 0x2D || byte == 0x5F || byte == 0x2A
        if isPlain { name.append(byte) } else { name += escape(byte, radix: 10).utf8 }
    }

    private static func escape(_ byte: UInt8, radix: Int) -> String {
        let digits = String(byte, radix: radix)
        return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
}
