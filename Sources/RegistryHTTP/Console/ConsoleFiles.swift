import CConsole
import RegistryAPI

/// The console's files, which the binary holds: each with a tag of its bytes, and compressed once.
struct ConsoleFiles: Sendable {
    struct File: Sendable {
        let type: String
        let tag: String
        let bytes: [UInt8]
        let compressed: [UInt8]
    }

    /// By path below `/console/`.
    let files: [String: File]

    /// The page itself, which has the folder's own path.
    static let page = "index.html"

    /// Made when somebody asks first.
    static let shared = Result { try ConsoleFiles() }

    private init() throws {
        let all = UnsafeBufferPointer(start: console_files(), count: Int(console_file_count()))
        files = Dictionary(
            uniqueKeysWithValues: try all.map { file in
                let path = String(cString: file.path)
                let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: Int(file.size)))
                return (path, try File(path, bytes))
            })
    }
}

extension ConsoleFiles.File {
    fileprivate init(_ path: String, _ bytes: [UInt8]) throws {
        let types = [
            "html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml",
        ]
        let ending = path.split(separator: ".").last.map(String.init) ?? ""
        type = (types[ending] ?? "application/octet-stream") + "; charset=utf-8"
        tag = WholeFile.tag(of: bytes)
        self.bytes = bytes
        let gzip = try Gzip()
        compressed = try gzip.compress(bytes) + gzip.finish()
    }
}
