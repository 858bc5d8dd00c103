import RegistryModel
import TableSamples
import Testing

@testable import RoutingTable

@Suite("The shards of a table") struct ShardTests {
    private let memory = TableMemory()

    @Test(arguments: [0, 80_000])
    func `find every name, and split before they grow large`(expected: Int) {
        var contents = TableContents(memory, expecting: expected)
        for number in 0..<60_000 { contents.load(domain(number)) }
        var shards = 0
        contents.shards.forEachShard { _ in shards += 1 }
        #expect(shards >= 3)
        for number in 0..<60_000 {
            #expect(record(number, in: contents)?.current.isPresent == true)
        }
        #expect(record(60_000, in: contents) == nil)
        let bytesPerName = Double(memory.bytes) / 60_000
        #expect(bytesPerName < 64, "names have 20 to 24 bytes")
    }

    @Test func `take little memory for few names, and none in the end`() {
        do {
            var contents = TableContents(memory)
            contents.load(domain(1))
            #expect(memory.bytes < 10_000)
        }
        #expect(memory.bytes == 0)
        #expect(memory.blocks == 0)
    }

    @Test func `keep the longest name and any tenant's text apart from its neighbours`() {
        var contents = TableContents(memory)
        let tenants =
            ["", "x", String(repeating: "日", count: 200), "é"].map { $0 as String? } + [nil]
        var names: [FQDN] = []
        for (number, length) in [4, 10, 253, 64, 31].enumerated() {
            let label = String(repeating: "a", count: length - 3)
            names.append(FQDN(canonical: "\(number)\(label.dropLast()).cz"))
            var domain = domain(number)
            domain.fqdn = names[number]
            domain.placement.tenant = tenants[number]
            contents.load(domain)
        }
        for (name, tenant) in zip(names, tenants) {
            let kept: String? = name.withBytes { bytes in
                let found = contents.find(bytes, NameHash(bytes))
                guard let (record, shard) = found, record.current.texts != 0 else { return nil }
                let text = shard.index.pointee.texts(record.current.texts)
                return String(decoding: text, as: UTF8.self)
            }
            #expect(kept == tenant)
        }
    }

    @Test func `give back the room of names that are gone`() {
        var contents = TableContents(memory)
        for number in 0..<10_000 { contents.load(domain(number)) }
        let full = memory.bytes
        for number in 0..<10_000 where !number.isMultiple(of: 10) {
            guard let record = record(number, in: contents) else { return }
            let gone = record.current.gone(at: 2)
            let hash = hash(number)
            contents.shards.shard(of: hash).note(record.current, became: gone)
            record.write(gone)
        }
        for number in 0..<10_000 where contents.shards.shard(of: hash(number)).isWasteful {
            contents.shards.renew(hash(number))
        }
        #expect(memory.bytes < full / 5)
        for number in 0..<10_000 {
            let isThere = record(number, in: contents)?.current.isPresent == true
            #expect(isThere == number.isMultiple(of: 10))
        }
    }

    private func hash(_ number: Int) -> NameHash { fqdn(number).withBytes { NameHash($0) } }

    private func record(_ number: Int, in contents: TableContents) -> Record? {
        fqdn(number).withBytes { contents.find($0, NameHash($0))?.0 }
    }
}
