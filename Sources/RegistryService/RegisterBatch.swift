import RegistryModel

extension RegistryService {
    /// Registers the good rows in one revision and names the bad ones.
    ///
    /// - Parameter rows: in the order of the request; the failures are rows that couldn't be read.
    public func registerBatch(
        _ rows: [Result<NewDomain, RegistryError>], _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        let checked = rows.map { row -> BatchRow in
            do throws(RegistryError) {
                let domain = try row.get()
                try names.check(domain.fqdn)
                return .wanted(domain)
            } catch {
                return .refused(code: error.code)
            }
        }
        return try await commit(.registerBatch(checked), context)
    }
}
