import Crypto
import Foundation
import GRDB

/// The first four bytes of a name's SHA-256, as a big-endian number: which sample a name is in.
enum SampleFunction {
    static let function = DatabaseFunction("name_sample", argumentCount: 1, pure: true) { values in
        guard let text = String.fromDatabaseValue(values[0]) else { return nil }
        return SHA256.hash(data: Data(text.utf8)).prefix(4).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
}
