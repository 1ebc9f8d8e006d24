import Glibc

/// Files of a test, removed with it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/meshnode-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unusable(code: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    struct Unusable: Error { var code: Int32 }

    /// Writes a file and gives its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Unusable(code: errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Unusable(code: errno) }
        return file
    }

    deinit {
        guard let listing = opendir(path) else { return }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { remove("\(path)/\(name)") }
        }
        closedir(listing)
        rmdir(path)
    }
}
