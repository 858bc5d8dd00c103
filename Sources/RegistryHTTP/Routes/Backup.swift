import HTTPTypes
import NIOPosix
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/backup`: a copy of the whole store. It is made before the first byte is sent, so that a slow client
/// holds up nothing but its own copy.
struct BackupRoutes: Sendable {
    private static let pieceSize = 256 * 1024

    @Sendable func make(_ call: RegistryCall) async throws -> EndpointResponse {
        let note = try call.noteOnlyBody()
        let copy = try await call.service.backup(call.writing(note))
        var response = EndpointResponse(revision: copy.head.revision)
        response.headers[.contentType] = MediaType.sqlite.rawValue
        response.headers[.contentDisposition] =
            "attachment; filename=\"tenant-registry-\(copy.head.epoch)-\(copy.head.revision).sqlite\""
        response.stream = { write in
            var sent: Int64 = 0
            while sent < copy.byteCount {
                let offset = sent
                // Reading a file blocks: not on a thread that others' requests need.
                let piece = try await NIOThreadPool.singleton.runIfActive {
                    try copy.read(offset, Self.pieceSize)
                }
                guard !piece.isEmpty else { throw RegistryError.backupFailed }
                sent += Int64(piece.count)
                try await write(piece)
            }
        }
        return response
    }
}
