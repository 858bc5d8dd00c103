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
