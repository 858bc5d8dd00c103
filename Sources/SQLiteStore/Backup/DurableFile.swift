import Foundation

/// Files that are on the disk, name and all, when a call returns.
enum DurableFile {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func makeFolder(_ folder: URL) throws {
        guard mkdir(folder.path, 0o700) == 0 || errno == EEXIST else {
            throw failure("\(folder.path) can't be created")
        }
        try sync(folder.deletingLastPathComponent())
    }

    static func rename(_ from: String, _ to: String) throws {
        guard Foundation.rename(from, to) == 0 else { throw failure("\(from) can't be moved") }
    }

    /// A file or a folder.
    static func sync(_ url: URL) throws {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("\(url.path) can't be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("\(url.path) can't be synced") }
    }

    /// Written beside and renamed: there whole, or not at all.
    static func write(_ text: String, to url: URL) throws {
        let beside = url.appendingPathExtension("new")
        try fill(beside) { descriptor in
            let octets = Array(text.utf8)
            guard Foundation.write(descriptor, octets, octets.count) == octets.count else {
                throw failure("\(beside.path) can't be written")
            }
        }
        try rename(beside.path, url.path)
        try sync(url.deletingLastPathComponent())
    }

    /// Readable by its owner alone.
    static func copy(_ source: URL, to target: URL) throws {
        let from = open(source.path, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else { throw failure("\(source.path) can't be opened") }
        defer { close(from) }
        try fill(target) { descriptor in
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = read(from, &buffer, buffer.count)
                guard count >= 0 else { throw failure("\(source.path) can't be read") }
                guard count > 0 else { return }
                var written = 0
                while written < count {
                    let more = buffer.withUnsafeBytes {
                        Foundation.write(descriptor, $0.baseAddress! + written, count - written)
                    }
                    guard more > 0 else { throw failure("\(target.path) can't be written") }
                    written += more
                }
            }
        }
    }

    private static func fill(_ url: URL, _ body: (Int32) throws -> Void) throws {
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("\(url.path) can't be created") }
        defer { close(descriptor) }
        try body(descriptor)
        guard fsync(descriptor) == 0 else { throw failure("\(url.path) can't be synced") }
    }

    private static func failure(_ what: String) -> StoreOpeningError {
        .folder("\(what): \(String(cString: strerror(errno)))")
    }
}
