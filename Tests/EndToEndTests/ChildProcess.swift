import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestProcesses
import Testing

/// One process that a test has started: its output goes into files, it ends at the latest with the
/// test, and only ever by its own pid.
final class ChildProcess: Sendable {
    typealias Exit = TestProcess.Exit

    struct StillRunning: Error {
        let command: String
        let errors: String
    }

    var pid: pid_t { process.pid }
    let standardOutput: URL
    let standardError: URL
    private let process: TestProcess
    private let command: String
    private let lastSignal: Int32
    private let exit: EventLoopFuture<Exit>

    /// - Parameters:
    ///   - outputs: a folder for what the process writes.
    ///   - lastSignal: what ends it at the latest. nginx wants SIGTERM: its workers outlive a master
    ///     that is killed.
    ///   - environment: beside the test's own, without its `TENANT_REGISTRY_…`.
    init(
        _ executable: URL, _ arguments: [String], outputs: URL, environment: [String: String] = [:],
        input: URL? = nil, workingDirectory: URL? = nil, endsBy lastSignal: Int32 = SIGKILL
    ) throws {
        self.lastSignal = lastSignal
        let name = UUID().uuidString
        standardOutput = outputs.appendingPathComponent("\(name).out")
        standardError = outputs.appendingPathComponent("\(name).err")
        command = ([executable.lastPathComponent] + arguments).joined(separator: " ")

        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Exit.self)
        exit = promise.futureResult
        // One lock over start and end: a process that ends at once isn't remembered after that.
        do {
            process = try Self.running.withLock { [standardOutput, standardError] running in
                // `env -C` changes the folder, and becomes the program.
                let process = try TestProcess.start(
                    ["/usr/bin/env", "-C", (workingDirectory ?? outputs).path, executable.path]
                        + arguments,
                    environment: ProcessInfo.processInfo.environment
                        .filter { !$0.key.hasPrefix("TENANT_REGISTRY_") }
                        .merging(environment) { $1 },
                    TestProcess.Streams(
                        input: .file(input?.path ?? "/dev/null"), output: standardOutput.path,
                        errors: standardError.path, truncates: true))
                running[process.pid] = lastSignal
                return process
            }
        } catch {
            promise.fail(error)
            throw error
        }
        Thread.detachNewThread { [process] in
            let exit = process.wait()
            Self.forget(process.pid)
            promise.succeed(exit)
        }
        _ = Self.killsTheRest
    }

    /// The processes that haven't ended: what a test keeps for all others ends with the run.
    private static let running = Mutex<[pid_t: Int32]>([:])

    private static func forget(_ pid: pid_t) {
        running.withLock { $0[pid] = nil }
    }

    private static let killsTheRest: Void = {
        atexit { ChildProcess.running.withLock { $0.forEach { kill($0.key, $0.value) } } }
    }()

    deinit { signal(lastSignal) }

    /// Does nothing to a process that has ended: its pid may be another's by now.
    func signal(_ number: Int32) {
        Self.running.withLock { [pid] in
            if $0[pid] != nil { kill(pid, number) }
        }
    }

    /// `kill -STOP`, and wait until none of its threads runs: a signal takes its time, and who asks at once may be answered.
    func pause() async throws {
        signal(SIGSTOP)
        let threads = "/proc/\(pid)/task"
        _ = try await poll("\(command) stands still") { () -> Bool? in
            let stopped = try FileManager.default.contentsOfDirectory(atPath: threads).allSatisfy {
                let file = "\(threads)/\($0)/stat"
                let status = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                // The name before it, in brackets, may have anything in it.
                return status.split(separator: ")").last?.split(separator: " ").first == "T"
            }
            return stopped ? true : nil
        }
    }

    /// `kill -9`, and wait until it's gone.
    func crash() async throws {
        signal(SIGKILL)
        _ = try await waitForExit()
    }

    var isRunning: Bool { Self.running.withLock { [pid] in $0[pid] != nil } }

    /// - Throws: `StillRunning` with what the process said, after `limit`.
    @discardableResult
    func waitForExit(within limit: TimeAmount = .seconds(30)) async throws -> Exit {
        let promise = exit.eventLoop.makePromise(of: Exit.self)
        let timeout = exit.eventLoop.scheduleTask(in: limit) { [command, standardError] in
            promise.fail(
                StillRunning(command: command, errors: ChildProcess.text(standardError)))
        }
        exit.cascade(to: promise)
        defer { timeout.cancel() }
        return try await promise.futureResult.get()
    }

    var output: String { Self.text(standardOutput) }
    var errors: String { Self.text(standardError) }

    private static func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
}

/// A folder of one test's own, gone when the test is.
final class TestFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("tenant-registry-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    func write(_ text: String, to name: String) throws -> URL {
        try Data(text.utf8).write(to: file(name))
        return file(name)
    }
}

/// Asks again and again, for what nobody tells.
func poll<Value>(
    _ what: String, within limit: Duration = .seconds(120),
    _ probe: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let value = try await probe() { return value }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(what: what)
}

struct NeverHappened: Error {
    let what: String
}
