import RegistryModel

/// A file that is being made.
package final class RoutesFilling {
    private let file: RoutesFile
    private let revision: UInt64
    var sum = RoutesSum()
    var locations: [LocationName: Int] = [:]
    var failure: SharedRoutesFailure?

    init(_ file: RoutesFile, _ revision: UInt64) {
        (self.file, self.revision) = (file, revision)
    }

    package func add(_ location: LocationName, upstream: UpstreamURL?) {
        guard let place = file.addLocation(location), let offset = file.view.location(place)
        else { return fail("locations") }
        locations[location] = place
        guard var text = upstream?.text else { return }
        guard let unit = text.withUTF8({ file.addText(UnsafeRawBufferPointer($0)) }) else {
            return fail("upstreams")
        }
        file.store(RouteWord(revision: revision, textUnit: unit).bits, at: offset)
    }

    package func add(
        _ name: UnsafeRawBufferPointer, _ location: LocationName, _ mode: Mode,
        fence: Mode? = nil, revision: Revision
    ) {
        if locations[location] == nil { add(location, upstream: nil) }
        guard let place = locations[location], let record = file.record(of: name) else {
            return fail("names")
        }
        let word = RouteWord(
            revision: UInt64(revision.number), location: place, mode: mode.routeNumber,
            fence: fence?.routeNumber ?? 0)
        sum.replace(file.word(at: record), by: word, name, file.view)
        file.store(word.bits, at: record)
    }

    package func fail(_ what: String) {
        failure =
            failure ?? SharedRoutesFailure("the file of routes has no room for all \(what)")
    }
}
