import Foundation
import Hummingbird
import Logging
import RegistryHTTP
import RegistryModel
import RegistryService

/// What `serve` runs with, read and checked.
struct ServeOptions: Sendable {
    var listen: BindAddress
    var opsListen: BindAddress?
    var folder: URL
    var quarantine = Duration.seconds(90 * 24 * 60 * 60)
    var suffixes: [FQDN] = []
    var reservedNames = NamePolicy.standardReserved
    var http = HTTPOptions()
    var logLevel = Logger.Level.info
    /// From "not ready" to the end of listening: for load balancers to look away.
    var drain = Duration.zero

    init(listen: BindAddress, folder: URL) {
        self.listen = listen
        self.folder = folder
    }
}
