import Logging

/// Makes each log event one line with one JSON object.
///
/// The keys are, in this order: `time` (RFC 3339, UTC, milliseconds), `level`, `logger`, `message`,
/// the metadata's keys sorted, and with `error` and `critical` `source` (`Module/File.swift:line`).
/// A metadata key of one of these names gets the prefix `metadata.`. Values are strings, or objects
/// and arrays of strings. An event's error adds `error.message` and `error.type`.
///
/// Of two values for one metadata key, that of the event wins over that of the logger, which wins
/// over that of the metadata provider. `hb.request.id` is left out: Hummingbird's id says less than
/// ours. Secrets are blotted out, see `Redaction`.
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let label: String
    private let sink: @Sendable (String, Logger.Level) -> Void
    private let now: @Sendable () -> WallTime

    private static let ownKeys = ["time", "level", "logger", "message", "source"]

    /// - Parameters:
    ///   - level: the least level that is written.
    ///   - metadataProvider: by default the one given to `LoggingSystem.bootstrap`.
    ///   - sink: gets each line, its newline included, and its level; several threads may call it at once,
    ///     event loops among them, so that it may not wait for anybody.
    package init(
        label: String, level: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = LoggingSystem.metadataProvider,
        sink: @escaping @Sendable (String, Logger.Level) -> Void
    ) {
        self.init(
            label: label, level: level, metadataProvider: metadataProvider, sink: sink,
            now: { WallTime.now() })
    }

    init(
        label: String, level: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = nil,
        sink: @escaping @Sendable (String, Logger.Level) -> Void,
        now: @escaping @Sendable () -> WallTime
    ) {
        self.label = label
        self.logLevel = level
        self.metadataProvider = metadataProvider
        self.sink = sink
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = JSONText()
        line.open("{")
        line.key("time")
        line.string(now().rfc3339)
        line.key("level")
        line.string(event.level.rawValue)
        line.key("logger")
        line.string(label)
        line.key("message")
        line.string(event.message.description)
        line.members(merged(event))
        if event.level >= .error {
            line.key("source")
            line.string("\(event.file):\(event.line)")
        }
        line.close("}")
        sink(line.line, event.level)
    }

    private func merged(_ event: LogEvent) -> Logger.Metadata {
        var result = metadata
        if let provided = metadataProvider?.get() {
            result.merge(provided) { own, _ in own }
        }
        if let explicit = event.metadata {
            result.merge(explicit) { _, explicit in explicit }
        }
        if let error = event.error {
            result["error.message"] = "\(error)"
            result["error.type"] = "\(String(reflecting: type(of: error)))"
        }
        guard !result.isEmpty else { return result }
        result["hb.request.id"] = nil
        for key in Self.ownKeys {
            if let value = result.removeValue(forKey: key) { result["metadata.\(key)"] = value }
        }
        return result
    }
}

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
