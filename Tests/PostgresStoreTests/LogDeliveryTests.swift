import RegistryModel
import Synchronization
import Testing

@testable import PostgresStore

@Suite("The delivery of the log", .timeLimit(.minutes(15))) struct LogDeliveryTests {
    private static func changes(_ revisions: Int64...) -> [RevisionChanges] {
        revisions.map { RevisionChanges(revision: Revision($0)) }
    }

    private static let start = Position(epoch: Epoch("e"), revision: .zero)

    @Test func `tells each revision once and in order, whoever brings it`() {
        let told = Shared<[Int64]>([])
        let delivery = LogDelivery { change in told.change { $0.append(change.revision.number) } }
        // Nobody is told before memory has been read.
        delivery.bring(Self.changes(1), digest: nil) { _, _ in [] }
        delivery.begin(at: Self.start)
        delivery.bring(Self.changes(1, 2), digest: [2]) { _, _ in [] }
        delivery.bring(Self.changes(1, 2, 3), digest: [3]) { _, _ in [] }
        delivery.bring(Self.changes(2), digest: [9]) { _, _ in [] }
        #expect(told.value == [1, 2, 3])
        #expect(delivery.current?.revision == Revision(3))
        #expect(delivery.current?.digest == [3])
    }

    @Test func `reads what is missing while others bring and look`() throws {
        let told = Shared<[Int64]>([])
        let delivery = LogDelivery { change in told.change { $0.append(change.revision.number) } }
        delivery.begin(at: Self.start)
        delivery.bring(Self.changes(4), digest: [4]) { now, before in
            #expect(now.revision == .zero)
            #expect(before == Revision(4))
            #expect(delivery.current?.revision == .zero)
            delivery.bring(Self.changes(1, 2), digest: [2]) { _, _ in [] }
            #expect(delivery.current?.digest == [2])
            return Self.changes(1, 2, 3)
        }
        #expect(told.value == [1, 2, 3, 4])
        #expect(delivery.current?.digest == [4])
    }

    @Test func `is looked at while memory takes a revision in`() throws {
        let seen = Shared<[Int64]>([])
        let delivery = Shared<LogDelivery?>(nil)
        let new = LogDelivery { _ in
            let revision = delivery.value?.current?.revision.number ?? -1
            seen.change { $0.append(revision) }
        }
        delivery.change { $0 = new }
        new.begin(at: Self.start)
        new.bring(Self.changes(1, 2), digest: nil) { _, _ in [] }
        #expect(seen.value == [0, 1])
        delivery.change { $0 = nil }
    }

    @Test func `tells nothing where what is missing can't be read`() {
        struct Away: Error {}
        let told = Shared<[Int64]>([])
        let delivery = LogDelivery { change in told.change { $0.append(change.revision.number) } }
        delivery.begin(at: Self.start)
        #expect(throws: Away.self) {
            try delivery.bring(Self.changes(3), digest: [3]) { _, _ in throw Away() }
        }
        delivery.bring(Self.changes(3), digest: [3]) { _, _ in Self.changes(1) }
        #expect(told.value == [1])
        delivery.bring(Self.changes(2, 3), digest: [3]) { _, _ in [] }
        #expect(told.value == [1, 2, 3])
    }
}
