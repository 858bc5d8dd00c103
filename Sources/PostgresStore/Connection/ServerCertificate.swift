import CLibPQ
import COpenSSL
import Foundation
import RegistryModel

extension PostgresConnection {
    /// Until when the certificate holds that the server showed when this session began; nil without TLS, and where libpq was
    /// built with another library than OpenSSL.
    ///
    /// libpq tells nothing of it but OpenSSL's own state of the session, which is good for as long as that is open.
    var certificateEnd: Timestamp? {
        guard isOpen, let session = PQsslStruct(handle, "OpenSSL"),
            let certificate = SSL_get1_peer_certificate(OpaquePointer(session))
        else { return nil }
        defer { X509_free(certificate) }
        var end = tm()
        guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 else { return nil }
        return Timestamp(milliseconds: Int64(timegm(&end)) * 1000)
    }
}
