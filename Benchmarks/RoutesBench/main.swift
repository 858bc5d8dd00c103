// Makes a file of routes, for Benchmarks/routes: RoutesBench FILE NAMES [WAVES]
//
// All names are in japan. With WAVES, so many revisions move all of them to the other side, one after the other, and what
// each took is written to stdout, in milliseconds: words, then the store that makes them visible.
import Foundation
import RegistryModel
import SharedRoutes

func stop(_ why: String) -> Never {
    FileHandle.standardError.write(Data("\(why)\n".utf8))
    exit(2)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let names = Int(arguments[2]) else {
    stop("usage: RoutesBench FILE NAMES [WAVES]")
}
let waves = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
let places = ["japan", "aws"].map { LocationName(canonical: $0) }
let upstream = UpstreamURL(canonical: "http://10.0.0.1:8080")

/// 24 bytes: t00000001.tenants.kin.jp
func withName(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { bytes in
        bytes.copyBytes(from: Array("t00000000.tenants.kin.jp".utf8))
        var rest = number
        for place in stride(from: 8, to: 0, by: -1) {
            bytes[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        body(UnsafeRawBufferPointer(bytes))
    }
}

let writer = try RoutesWriter(path: arguments[1])
let position = Position(epoch: Epoch("bench"), revision: Revision(1))
try writer.replace(
    at: position, for: (names: names, nameBytes: names * 24, locations: [upstream, upstream])
) { filling in
    for place in places { filling.add(place, upstream: upstream) }
    for number in 0..<names {
        withName(number) { filling.add($0, places[0], .serve, revision: Revision(1)) }
    }
}
print("bytes \(writer.bytes)")
for wave in 0..<waves {
    let revision = Revision(Int64(wave) + 2)
    let start = ContinuousClock.now
    for number in 0..<names {
        withName(number) { writer.set($0, places[(wave + 1) % 2], .serve, revision: revision) }
    }
    let written = ContinuousClock.now
    guard writer.publish(revision) else { stop(writer.failure?.description ?? "") }
    let shown = ContinuousClock.now
    print("wave \((written - start) / .milliseconds(1)) \((shown - written) / .milliseconds(1))")
}
