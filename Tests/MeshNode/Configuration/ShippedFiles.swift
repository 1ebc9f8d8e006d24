import Glibc
import Testing

/// A file of /topology, wherever the sources were checked out.
func shipped(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    try #require(realpath(#filePath, &buffer) != nil)
    let file = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return file.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" } + "/topology/\(name)"
}

/// Every scenario of /topology, sorted.
func shippedScenarios() throws -> [String] { try shippedFiles(["scenarios", "long"]) }

func shippedStudies() throws -> [String] { try shippedFiles(["routing"]) }

private func shippedFiles(_ folders: [String]) throws -> [String] {
    var paths: [String] = []
    for folder in folders {
        let directory = try shipped(folder)
        let listing = try #require(opendir(directory))
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".json5") { paths.append("\(directory)/\(name)") }
        }
    }
    return paths.sorted()
}
