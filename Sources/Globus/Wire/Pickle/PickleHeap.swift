/// The objects of a pickle while it is read. Containers hold references, so that one that is named again is not copied, and
/// one that is filled later is the same wherever it is named.
struct PickleHeap {
    typealias Reference = Int32

    enum Object {
        case scalar(WireValue)
        case list([Reference])
        case tuple([Reference])
        /// Keys and values in turn.
        case dictionary([Reference])
    }

    private(set) var objects: [Object] = []

    /// The limit on a pickle's bytes keeps the number of objects far below what a reference can name.
    mutating func add(_ object: Object) -> Reference {
        objects.append(object)
        return Reference(truncatingIfNeeded: objects.count - 1)
    }

    subscript(_ reference: Reference) -> Object { objects[Int(reference)] }

    func text(_ reference: Reference) -> String? {
        guard case .scalar(.string(let text)) = self[reference] else { return nil }
        return text
    }

    /// False if it is not a list.
    mutating func append(_ items: [Reference], to reference: Reference) -> Bool {
        guard case .list(var list) = objects[Int(reference)] else { return false }
        // Taken out first: otherwise each addition would copy the list.
        objects[Int(reference)] = .list([])
        list.append(contentsOf: items)
        objects[Int(reference)] = .list(list)
        return true
    }

    /// False if it is not a dictionary.
    mutating func set(_ items: [Reference], in reference: Reference) -> Bool {
        guard case .dictionary(var entries) = objects[Int(reference)] else { return false }
        objects[Int(reference)] = .dictionary([])
        entries.append(contentsOf: items)
        objects[Int(reference)] = .dictionary(entries)
        return true
    }
}
