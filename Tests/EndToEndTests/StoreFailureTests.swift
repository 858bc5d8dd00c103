import Foundation
import RegistryAPI
import RegistryClient
import Testing

@Suite("An I/O error") struct StoreFailureTests {
    @Test(arguments: [FailingCall.sync, .write])
    func `is acknowledged to nobody, ends the process, and the next start recovers`(
        call: FailingCall
    ) async throws {
        let folder = try TestFolder()
        let trigger = folder.file("trigger")
        let server = try await ServerProcess.start(
            in: folder,
            environment: [
                "LD_PRELOAD": try await IOErrorShim.library(in: folder).path,
                "IO_ERROR_CALL": call.rawValue, "IO_ERROR_TRIGGER": trigger.path,
            ])
        var ledger = WriteLedger(writers: 8)
        async let writing = Self.written(ledger, server.client)
        _ = try await poll("some commits") {
            try await server.client.statistics().revision > 50 ? true : nil
        }
        try Data().write(to: trigger)

        ledger = await writing
        #expect(try await server.process.waitForExit() == .code(1))
        #expect(server.log.contains { $0.level == "critical" && $0.text.contains("store failed") })
        #expect(server.process.errors.contains("start again to recover"))

        let next = try await ServerProcess.start(in: folder)
        #expect(ledger.settle(try await Observation(of: next.client)) == [])
        #expect(ledger.acknowledgedCount > 30)
        _ = try await next.client.register("after.example.com")
        #expect(try await next.stop() == .code(0))
    }

    private static func written(
        _ ledger: WriteLedger, _ registry: RegistryClient
    ) async -> WriteLedger {
        var ledger = ledger
        await ledger.writeUntilCut(registry)
        return ledger
    }
}

enum FailingCall: String, Sendable, CustomTestStringConvertible {
    case sync, write

    var testDescription: String { rawValue }
}

/// Makes system calls of the store fail with EIO while a file exists.
enum IOErrorShim {
    /// Compiles it; what comes back is for `LD_PRELOAD`.
    static func library(in folder: TestFolder) async throws -> URL {
        let library = folder.file("io-error.so")
        let compiler = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "cc", "-shared", "-fPIC", "-o", library.path,
                try folder.write(source, to: "io-error.c").path, "-ldl",
            ], outputs: folder.url)
        let exit = try await compiler.waitForExit(within: .seconds(60))
        try #require(exit == .code(0), "\(compiler.errors)")
        return library
    }

    /// Only files of the store fail: the trigger is for the disk, not for stderr and sockets.
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/types.h>
        #include <unistd.h>

        static int fails(const char *call, int fd) {
            const char *trigger = getenv("IO_ERROR_TRIGGER"), *which = getenv("IO_ERROR_CALL");
            if (!trigger || !which || strcmp(which, call) != 0 || access(trigger, F_OK) != 0)
                return 0;
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(link, path, sizeof path - 1);
            if (length < 0) return 0;
            path[length] = 0;
            if (!strstr(path, "registry.sqlite")) return 0;
            errno = EIO;
            return 1;
        }

        int fsync(int fd) {
            static int (*real)(int);
            if (!real) real = dlsym(RTLD_NEXT, "fsync");
            return fails("sync", fd) ? -1 : real(fd);
        }

        int fdatasync(int fd) {
            static int (*real)(int);
            if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
            return fails("sync", fd) ? -1 : real(fd);
        }

        ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
            static ssize_t (*real)(int, const void *, size_t, off64_t);
            if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
            return fails("write", fd) ? -1 : real(fd, data, count, offset);
        }
        """
}
