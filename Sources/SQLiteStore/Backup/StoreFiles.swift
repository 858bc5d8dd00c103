import DurableFiles
import Foundation

/// Durable files and folders, with complaints in the words of a store that is opened.
enum StoreFiles {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func makeFolder(_ folder: URL) throws(StoreOpeningError) {
        try attempt { () throws(FileFailure) in try DurableFolder.make(folder.path) }
    }

    static func rename(_ from: String, _ to: String) throws(StoreOpeningError) {
        try attempt { () throws(FileFailure) in try DurableFolder.rename(from, to) }
    }

    /// A file or a folder.
    static func sync(_ url: URL) throws(StoreOpeningError) {
        try attempt { () throws(FileFailure) in try DurableFolder.sync(url.path) }
    }

    /// Readable by its owner alone.
    static func write(_ text: String, to url: URL) throws(StoreOpeningError) {
        try attempt { () throws(FileFailure) in
            try DurableFile.write(text.utf8, to: url.path, .fixed(0o600))
        }
    }

    /// Readable by its owner alone.
    static func copy(_ source: URL, to target: URL) throws(StoreOpeningError) {
        try attempt { () throws(FileFailure) in
            let from = open(source.path, O_RDONLY | O_CLOEXEC)
            guard from >= 0 else { throw FileFailure(source.path, "opened") }
            defer { close(from) }
            let file = try DurableFile(target.path, .fixed(0o600))
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = read(from, &buffer, buffer.count)
                guard count >= 0 else { throw FileFailure(source.path, "read") }
                guard count > 0 else { return try file.keep() }
                try file.write(buffer[..<count])
            }
        }
    }

    static func attempt<Value>(
        _ body: () throws(FileFailure) -> Value
    ) throws(StoreOpeningError) -> Value {
        do throws(FileFailure) {
            return try body()
        } catch {
            throw .folder(error.description)
        }
    }
}
