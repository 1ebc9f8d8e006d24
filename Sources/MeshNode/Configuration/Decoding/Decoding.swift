/// One run of decoding a file: collects what is wrong with it.
final class Decoding {
    let file: String
    /// Where relative paths in the file begin.
    let directory: String
    /// Whether the files that the configuration names must exist and be readable.
    let validatesFiles: Bool
    private var errors: [ConfigurationError] = []

    private init(file: String, directory: String, validatesFiles: Bool) {
        self.file = file
        self.directory = directory
        self.validatesFiles = validatesFiles
    }

    /// Decodes a file: `body` reads its top object and returns what it makes of it.
    /// - Throws: all that is wrong with the file; a value is returned only where nothing is.
    static func decode<Value>(
        path: String, validatingFiles: Bool, _ body: (ConfigurationFields) -> Value
    ) throws(ConfigurationErrors) -> Value {
        let bytes = try ConfigurationFile.bytes(of: path)
        let directory = ConfigurationFile.directory(of: path)
        return try decode(bytes, file: path, directory: directory, validatingFiles: validatingFiles, body)
    }

    /// Decodes a text that was read already.
    static func decode<Value>(
        _ bytes: [UInt8], file: String, directory: String, validatingFiles: Bool, _ body: (ConfigurationFields) -> Value
    ) throws(ConfigurationErrors) -> Value {
        let decoding = Decoding(file: file, directory: directory, validatesFiles: validatingFiles)
        let document: JSON5Document
        do {
            document = try JSON5Reader.read(bytes)
        } catch {
            decoding.record(error.message, field: error.field, at: error.position)
            throw decoding.collected
        }
        for duplicate in document.duplicateKeys {
            decoding.record(duplicate.message, field: duplicate.field, at: duplicate.position)
        }
        let top = ConfigurationCursor(
            value: document.root, position: document.root.position, path: FieldPath(), decoding: decoding, isMuted: false)
        let value = top.object(body)
        if !decoding.errors.isEmpty { throw decoding.collected }
        return value
    }

    func record(_ message: String, field: String, at position: SourcePosition) {
        errors.append(
            ConfigurationError(file: file, line: position.line, column: position.column, field: field, message: message))
    }

    /// The first errors of the file by line. All are collected before the rest is cut off: decoding goes field by field,
    /// not line by line. Their number is bounded by the size of the file.
    private var collected: ConfigurationErrors {
        let ordered = errors.enumerated().sorted { a, b in
            (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
        }
        let kept = ordered.prefix(ConfigurationErrors.errorsKept).map(\.element)
        return ConfigurationErrors(kept, omitted: errors.count - kept.count)
    }
}
