#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Lines of lists as they lie in memory.

extension UnsafeRawBufferPointer {
    /// The place of the next LF.
    func firstLineBreak(from start: Int) -> Int? {
        guard let base = baseAddress, start < count,
            let found = memchr(base + start, 0x0A, count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Without blanks around it, and the CR of its end.
    var withoutBlanks: UnsafeRawBufferPointer {
        var (start, end) = (0, count)
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }

    var withoutLineEnd: UnsafeRawBufferPointer {
        last == 0x0D ? UnsafeRawBufferPointer(rebasing: dropLast()) : self
    }

    /// A field of a CSV row without quotes; nil where the row has another number of fields, or nothing there.
    ///
    /// - Parameter columns: the most that the row may have.
    func plainField(_ column: Int, of columns: Int) -> UnsafeRawBufferPointer? {
        var (number, start) = (0, 0)
        var found: UnsafeRawBufferPointer?
        for place in 0...count where place == count || self[place] == UInt8(ascii: ",") {
            if number == column { found = UnsafeRawBufferPointer(rebasing: self[start..<place]) }
            (number, start) = (number + 1, place + 1)
        }
        let field = found?.withoutBlanks
        return number <= columns && field?.isEmpty == false ? field : nil
    }

    /// The value of `{"fqdn":"…"}`, spelled like this and plain: most lists' lines, read without a parser. Nil for
    /// every other object, and what is none.
    var onlyMember: UnsafeRawBufferPointer? {
        let (start, end) = (Self.beginning.count, count - 2)
        guard start <= end, starts(with: Self.beginning), self[end] == UInt8(ascii: "\""),
            self[end + 1] == UInt8(ascii: "}")
        else { return nil }
        let value = UnsafeRawBufferPointer(rebasing: self[start..<end])
        let isPlain = value.allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        return isPlain ? value : nil
    }

    private static let beginning = Array(#"{"fqdn":""#.utf8)
}

extension String.UTF8View {
    var withoutBlanks: String {
        var bytes = self[...]
        while let first = bytes.first, first.isBlank { bytes.removeFirst() }
        while let last = bytes.last, last.isBlank { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0D }
}
