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

    func text(_ flag: String?, _ name: String) -> String? {
        flag ?? environment.string(forKey: ConfigKey([name]))
            ?? file?.string(forKey: ConfigKey([name]))
    }

    func text(_ flag: String?, _ name: String, default fallback: String) -> String {
        text(flag, name) ?? fallback
    }

    /// A flag that is given means true; the environment and the file may say either.
    func bool(_ flag: Bool, _ name: String) -> Bool {
        flag
            || environment.bool(forKey: ConfigKey([name])) ?? file?.bool(forKey: ConfigKey([name]))
                ?? false
    }

    /// - Throws: `CommandFailure.usage` for a value that isn't a number within `range`.
    func integer(
        _ flag: Int?, _ name: String, default fallback: Int, in range: ClosedRange<Int>
    ) throws -> Int {
        let value: Int
        if let flag {
            value = flag
        } else if let text = environment.string(forKey: ConfigKey([name])) {
            guard let number = Int(text) else {
                throw CommandFailure.usage("--\(name): a number is expected, not \(text)")
            }
            value = number
        } else {
            value = file?.int(forKey: ConfigKey([name])) ?? fallback
        }
        guard range.contains(value) else {
            throw CommandFailure.usage(
                "--\(name): a number from \(range.lowerBound) to \(range.upperBound) is expected, not \(value)"
            )
        }
        return value
    }

    /// A list: a repeated flag, or commas in the environment, or an array in the file.
    func list(_ flags: [String], _ name: String) -> [String] {
        if !flags.isEmpty { return flags }
        return environment.stringArray(forKey: ConfigKey([name]))
            ?? file?.stringArray(forKey: ConfigKey([name])) ?? []
    }
}
