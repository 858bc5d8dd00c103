import RegistryModel
import Testing

@testable import RegistryHTTP

@Suite("A problem") struct ProblemTests {
    @Test func `names the pooler where that is why the store isn't asked`() {
        let away = Problem(.storeUnavailable, isPooled: false)
        #expect(away.detail.contains("can't be reached"))
        let pooled = Problem(.storeUnavailable, isPooled: true)
        #expect(pooled.code == away.code && pooled.status == away.status)
        #expect(pooled.detail.contains("transaction pooling"))
        #expect(pooled.headers == away.headers)
        #expect(Problem(.overloaded, isPooled: true).detail == Problem(.overloaded).detail)
    }
}
