/// One thing wrong with a configuration or topology file: where, which field, what was found and what is allowed.
struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file as the caller named it.
    var file: String
    /// From 1; 0 where the file could not be read at all.
    var line: Int
    /// From 1, in Unicode scalars; 0 where the file could not be read at all.
    var column: Int
    /// The field, such as `models[1].backend.url`; empty for the file as a whole.
    var field: String
    var message: String

    /// `FILE:LINE: field: message`, the form that editors and people jump to.
    var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return field.isEmpty ? "\(place): \(message)" : "\(place): \(field): \(message)"
    }
}

/// Everything wrong with one file, in the order of its lines.
struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// Errors kept of one file; further ones are counted only.
    static let errorsKept = 20

    var errors: [ConfigurationError]
    /// Errors found beyond those kept.
    var omitted: Int

    init(_ errors: [ConfigurationError], omitted: Int = 0) {
        self.errors = errors
        self.omitted = omitted
    }

    /// One error a line.
    var description: String {
        var lines = errors.map(\.description)
        if omitted > 0 { lines.append("\(errors.first?.file ?? ""): and \(omitted) more") }
        return lines.joined(separator: "\n")
    }

    /// The errors as a JSON array of `{"file","line","column","field","message"}`.
    var json: String {
        let objects = errors.map { error in
            """
            {"file":\(Quoting.json(error.file)),"line":\(error.line),"column":\(error.column),\
            "field":\(Quoting.json(error.field)),"message":\(Quoting.json(error.message))}
            """
        }
        return "[\(objects.joined(separator: ","))]"
    }
}
