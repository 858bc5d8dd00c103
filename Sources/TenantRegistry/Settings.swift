import ArgumentParser
import Configuration
import Foundation
import SystemPackage

/// Where a setting's value comes from: a flag beats the environment, which beats the config file.
struct Settings: Sendable {
    private let environment: ConfigReader
    private let file: ConfigReader?

    /// - Parameter path: of a JSON file, `{"data-dir": "…"}`.
    /// - Throws: `CommandFailure.usage` where the file can't be read.
    init(file path: String?) async throws {
        environment = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(
            to: "tenant-registry")
        guard let path = path ?? ProcessInfo.processInfo.environment["TENANT_REGISTRY_CONFIG"]
        else {
            file = nil
            return
        }
        do {
            file = ConfigReader(
                provider: try await FileProvider<JSONSnapshot>(filePath: FilePath(path)))
        } catch {
            throw CommandFailure.usage("the config file \(path) can't be read: \(error)")
        }
    }

    /// - Throws: `CommandFailure.usage` where the file has something else than text.
    func text(_ flag: String?, _ name: String) throws -> String? {
        try flag ?? environment.string(forKey: ConfigKey([name]))
            ?? fromFile(name, "text") { $0.string(forKey: $1) }
    }

    func text(_ flag: String?, _ name: String, default fallback: String) throws -> String {
        try text(flag, name) ?? fallback
    }

    /// A flag that is given means true; the environment and the file may say either.
    ///
    /// - Throws: `CommandFailure.usage` for a value that is neither.
    func bool(_ flag: Bool, _ name: String) throws -> Bool {
        if flag { return true }
        let key = ConfigKey([name])
        if let text = environment.string(forKey: key) {
            guard let value = environment.bool(forKey: key) else {
                throw CommandFailure.usage("--\(name): true or false is expected, not \(text)")
            }
            return value
        }
        return try fromFile(name, "true or false") { $0.bool(forKey: $1) } ?? false
    }

    /// A value of the file. The reader calls one of another kind missing: it must not become the
    /// default in silence.
    private func fromFile<Value>(
        _ name: String, _ kind: String, _ read: (ConfigReader, ConfigKey) -> Value?
    ) throws -> Value? {
        guard let file else { return nil }
        let key = ConfigKey([name])
        if let value = read(file, key) { return value }
        let isThere =
            file.string(forKey: key) != nil || file.double(forKey: key) != nil
            || file.bool(forKey: key) != nil || file.stringArray(forKey: key) != nil
            || file.doubleArray(forKey: key) != nil || file.boolArray(forKey: key) != nil
        guard !isThere else {
            throw CommandFailure.usage("\(name) in the config file: \(kind) is expected")
        }
        return nil
    }

    /// - Throws: `CommandFailure.usage` for a value that isn't a number within `range`.
    func integer(
        _ flag: Int?, _ name: String, default fallback: Int, in range: ClosedRange<Int>
    ) throws -> Int {
        try integer(flag, name, in: range) ?? fallback
    }

    /// - Returns: nil where nobody says.
    /// - Throws: `CommandFailure.usage` for a value that isn't a number within `range`.
    func integer(_ flag: Int?, _ name: String, in range: ClosedRange<Int>) throws -> Int? {
        let value: Int
        if let flag {
            value = flag
        } else if let text = environment.string(forKey: ConfigKey([name])) {
            guard let number = Int(text) else {
                throw CommandFailure.usage("--\(name): a number is expected, not \(text)")
            }
            value = number
        } else {
            guard let number = try fromFile(name, "a number", { $0.int(forKey: $1) }) else {
                return nil
            }
            value = number
        }
        guard range.contains(value) else {
            throw CommandFailure.usage(
                "--\(name): a number from \(range.lowerBound) to \(range.upperBound) is expected, not \(value)"
            )
        }
        return value
    }

    /// A list: a repeated flag, or commas in the environment, or an array in the file.
    func list(_ flags: [String], _ name: String) throws -> [String] {
        if !flags.isEmpty { return flags }
        return try environment.stringArray(forKey: ConfigKey([name]))
            ?? fromFile(name, "an array of text") { $0.stringArray(forKey: $1) } ?? []
    }

    /// - Throws: `CommandFailure.usage` for a value that is none of the choices.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ flag: String?, _ name: String, default fallback: Value
    ) throws -> Value where Value.RawValue == String {
        guard let text = try text(flag, name) else { return fallback }
        guard let value = Value(rawValue: text) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure.usage("--\(name): one of \(allowed) is expected, not \(text)")
        }
        return value
    }
}
