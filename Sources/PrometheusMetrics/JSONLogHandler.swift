import Foundation
import Logging

/// One JSON object a line on stderr: time, level, logger, message, then metadata by name.
///
/// A line is one `write(2)`, so that lines of several threads don't mix. Whatever looks like a token
/// of ours or is named like a secret is blanked: a last line of defence, not the first.
package struct JSONLogHandler: LogHandler {
    package var metadata = Logger.Metadata()
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.info
    private let label: String
    private let sink: @Sendable (String) -> Void

    package init(label: String, sink: @escaping @Sendable (String) -> Void = Self.standardError) {
        self.label = label
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        if let explicit = event.metadata { all.merge(explicit) { $1 } }
        var line = "{\"time\":\"\(Self.time())\",\"level\":\"\(event.level.rawValue)\",\"logger\":"
        LogText.append(label, to: &line)
        line += ",\"message\":"
        LogText.append("\(event.message)", to: &line)
        // Hummingbird's own id says less than ours.
        for (name, value) in all.sorted(by: { $0.key < $1.key }) where name != "hb.request.id" {
            line += ","
            LogText.append(name, to: &line)
            line += ":"
            LogText.append(value, named: name, to: &line)
        }
        sink(line + "}\n")
    }

    private static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        let digits = { (value: Int, count: Int) in
            String(repeating: "0", count: max(0, count - String(value).count)) + String(value)
        }
        let date = "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))"
        let time = "\(digits(Int(parts.tm_hour), 2)):\(digits(Int(parts.tm_min), 2)):\(digits(Int(parts.tm_sec), 2))"
        return "\(date)T\(time).\(digits(now.tv_nsec / 1_000_000, 3))Z"
    }

    /// Writes the whole line, or gives up: there is nobody to tell.
    @Sendable package static func standardError(_ line: String) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if written < 0 {
                guard errno == EINTR else { return }
                continue
            }
            rest = rest.dropFirst(written)
        }
    }
}

/// Text of a log line, as JSON.
enum LogText {
    private static let secretNames: Set<String> = ["authorization", "secret", "token_secret", "password"]

    static func append(_ value: Logger.MetadataValue, named name: String, to line: inout String) {
        guard !secretNames.contains(name.lowercased()) else { return append("***", to: &line) }
        switch value {
        case .string(let text): append(text, to: &line)
        case .stringConvertible(let value): append(value.description, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                append(value, named: name, to: &line)
            }
            line += "]"
        case .dictionary(let members):
            line += "{"
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                append(member.key, to: &line)
                line += ":"
                append(member.value, named: member.key, to: &line)
            }
            line += "}"
        }
    }

    static func append(_ text: String, to line: inout String) {
        line += "\""
        for scalar in withoutTokens(text).unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }

    /// `trk_<id>_<secret>` keeps its id.
    private static func withoutTokens(_ text: String) -> String {
        guard text.contains("trk_") else { return text }
        return text.replacing(#/trk_([a-z0-9]+)_[A-Za-z0-9_\-]+/#) { "trk_\($0.output.1)_***" }
    }
}
