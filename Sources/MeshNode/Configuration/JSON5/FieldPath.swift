/// The way from the top of a document to a value, printed as `models[1].backend.url`.
struct FieldPath: Equatable, Sendable, CustomStringConvertible {
    /// One step down.
    enum Step: Equatable, Sendable {
        case key(String)
        case item(Int)
    }

    var steps: [Step] = []

    func key(_ key: String) -> FieldPath { FieldPath(steps: steps + [.key(key)]) }
    func item(_ index: Int) -> FieldPath { FieldPath(steps: steps + [.item(index)]) }

    var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .item(let index):
                text += "[\(index)]"
            case .key(let key) where Self.isPlain(key):
                text += text.isEmpty ? key : ".\(key)"
            case .key(let key):
                text += "[\(Quoting.excerpt(key))]"
            }
        }
        return text
    }

    private static func isPlain(_ key: String) -> Bool {
        let plain = key.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "$" || $0 == "-")
        }
        return plain && !key.isEmpty && key.utf8.count <= 64
    }
}
