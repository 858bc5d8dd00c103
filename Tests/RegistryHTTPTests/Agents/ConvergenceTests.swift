import RegistryModel
import Testing

@testable import RegistryService

@Suite("Convergence", .timeLimit(.minutes(15))) struct ConvergenceTests {
    @Test func `is of the last revision, or of one that is named`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            try await registry.report("edge-a")
            try await registry.report("edge-b", applied: head - 1)
            #expect(try await registry.converged() == "1 of 2; edge-b")
            #expect(try await registry.converged(at: head - 1) == "2 of 2")
            #expect(
                try await registry.get("/v1/convergence?revision=\(head + 1)").isProblem(
                    404, "unknown-revision"))
        }
    }

    @Test(arguments: ["wait=-1", "wait=301", "wait=soon", "revision=-1", "timeout=1"])
    func `refuses questions that it doesn't understand`(query: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/convergence?\(query)")
            #expect(answer.isProblem(400, "invalid-request"))
        }
    }

    @Test func `waits for the last agent, and no longer`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            for name in ["a", "b", "c"] { try await registry.report(name, applied: head - 1) }
            async let answer = registry.get("/v1/convergence?wait=300")
            try await registry.waitUntilWaiting()
            try await registry.report("b")
            try await registry.report("a")
            try await registry.report("a", applied: head - 1)
            try await registry.report("c")
            #expect(registry.service.agents.waits == 1)
            try await registry.report("a")
            #expect(try await answer.convergence == "3 of 3")
            #expect(registry.service.agents.waits == 0)
        }
    }

    @Test func `waits no longer for one that is evicted`() async throws {
        try await withRegistry { registry in
            try await registry.report("a")
            try await registry.report("b", applied: 0)
            async let answer = registry.get("/v1/convergence?wait=300")
            try await registry.waitUntilWaiting()
            try await registry.send(.DELETE, "/v1/agents/b")
            #expect(try await answer.convergence == "1 of 1")
        }
    }

    @Test func `says who lags when its time is up`() async throws {
        try await withRegistry { registry in
            try await registry.report("a")
            try await registry.report("b", applied: 0)
            let answer = try await registry.get("/v1/convergence?wait=0.05")
            #expect(answer.status == 200 && answer.convergence == "1 of 2; b")
        }
    }
}

@Suite("A step that waits for agents", .timeLimit(.minutes(15))) struct WaitConvergedTests {
    @Test(arguments: ["freeze", "cutover", "rollback"])
    func `is answered when every agent has it`(verb: String) async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            if verb != "freeze" { try await registry.freeze(migration) }
            if verb == "rollback" { try await registry.cutOver(migration) }
            try await registry.report("edge-a")
            try await registry.report("edge-b")
            let body =
                switch verb {
                case "freeze": migration.freeze()
                case "cutover": migration.agreement()
                default: ""
                }
            let head = try await registry.head()
            async let answer = registry.succeed(
                migration.path("\(verb)?wait=converged&timeout=300"), body)
            try await registry.waitUntilWaiting()
            #expect(try await registry.head() == head + 1, "committed before anybody waits")
            try await registry.report("edge-b")
            try await registry.report("edge-a", applied: head)
            #expect(registry.service.agents.waits == 1)
            try await registry.report("edge-a")
            let done = try await answer
            #expect(done.convergence == "2 of 2")
            #expect(done["revision"]?.number == head + 1)
        }
    }

    @Test func `is answered at its timeout too, and names who lags`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            try await registry.report("edge-a")
            let answer = try await registry.succeed(
                migration.path("freeze?wait=converged&timeout=0.05"), migration.freeze())
            #expect(answer.convergence == "0 of 1; edge-a")
            #expect(try await registry.states(of: migration) == "running: frozen")
        }
    }

    @Test func `says on a repeated request how far the agents are now`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            try await registry.report("edge-a")
            let target = migration.path("freeze?wait=converged&timeout=0")
            let first = try await registry.post(target, migration.freeze(), key: "k")
            #expect(first.convergence == "0 of 1; edge-a")
            try await registry.report("edge-a")
            let second = try await registry.post(target, migration.freeze(), key: "k")
            #expect(second.isReplay && second.convergence == "1 of 1")
            #expect(second["revision"]?.number == first["revision"]?.number)
        }
    }
}
