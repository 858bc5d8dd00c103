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

    /// Whose owner the files of a store get: its own file, as with SQLite's log, else its folder.
    static func model(in folder: URL) -> String {
        let file = folder.appendingPathComponent(SQLiteStore.fileName).path
        return exists(file) ? file : folder.path
    }

    /// Readable by its owner alone, who is that of the store in the same folder.
    static func write(_ text: String, to url: URL) throws(StoreOpeningError) {
        let model = model(in: url.deletingLastPathComponent())
        try attempt { () throws(FileFailure) in
            try DurableFile.write(text.utf8, to: url.path, .owned(0o600, like: model))
        }
    }

    /// Readable by its owner alone, who is that of the store in the same folder.
    static func copy(_ source: URL, to target: URL) throws(StoreOpeningError) {
        let model = model(in: target.deletingLastPathComponent())
        try attempt { () throws(FileFailure) in
            let from = open(source.path, O_RDONLY | O_CLOEXEC)
            guard from >= 0 else { throw FileFailure(source.path, "opened") }
            defer { close(from) }
            let file = try DurableFile(target.path, .owned(0o600, like: model))
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
            throw refused(error)
        }
    }

    /// With what to do where it's a matter of permission: most often root has made the file.
    static func refused(_ failure: FileFailure) -> StoreOpeningError {
        guard failure.code == EACCES || failure.code == EPERM else {
            return .folder(failure.description)
        }
        let folder = URL(fileURLWithPath: failure.path).deletingLastPathComponent().path
        return .folder(
            "\(failure). It has to belong to the user that the service runs as, like the folder: chown --reference=\(folder) \(failure.path)"
        )
    }
}
