import LookupGrammar
import RegistryService

/// What a connection sent last. Proxies send the same fields with each request: then nothing has to
/// be read or verified again but that the token is still good.
struct ConnectionMemo {
    private var bytes: [UInt8] = []
    private var fields: LookupFields?
    private var token = TokenMemo()
    /// Whether the token's memo is of these fields.
    private var isTokenOfFields = false

    /// The fields that `bytes` begin with.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> LookupFields? {
        if let fields, bytes.count >= self.bytes.count, begins(bytes) { return fields }
        guard let new = LookupFields(bytes) else { return nil }
        fields = new
        self.bytes.removeAll(keepingCapacity: true)
        self.bytes.append(contentsOf: bytes[..<new.length])
        isTokenOfFields = false
        return new
    }

    /// In a time that doesn't depend on where the first difference is: a token is among the fields.
    private func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.bytes.withUnsafeBytes { known in
            ConstantTime.equal(UnsafeRawBufferPointer(rebasing: bytes[..<known.count]), known)
        }
    }

    /// The token in an `Authorization` of the fields that were read last.
    ///
    /// - Parameter secret: the part of `field` that is a token of ours.
    mutating func token(
        _ field: UnsafeRawBufferPointer, _ service: LookupService,
        secret: (UnsafeRawBufferPointer) -> Substring?
    ) -> KnownToken? {
        if isTokenOfFields, let known = service.recall(token) { return known }
        if let known = service.recall(token, as: field) {
            isTokenOfFields = true
            return known
        }
        guard let secret = secret(field),
            let known = service.authenticate(secret, sentAs: field, &token)
        else { return nil }
        isTokenOfFields = true
        return known
    }
}
