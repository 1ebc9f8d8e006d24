public import Gossip

/// What tells one variant of a model from another, as far as is known. Vectors of two are not to be compared, and a vector store takes
/// years of them: so a caller's embeddings keep to one.
public struct VariantKey: Hashable, Sendable {
    public let repository: String?
    public let revision: String?
    public let dtype: String?

    public init(of variant: Variant) {
        repository = variant.repository.value
        revision = variant.revision.value
        dtype = variant.dtype.value
    }

    /// The variant that embeddings are of where callers do not say: the one that most nodes have, whatever state they are in, so that
    /// it does not change as they come and go; of equals, the first by name. nil: there is but one.
    static func ofEmbeddings(among candidates: [Candidate]) -> VariantKey? {
        var counts: [VariantKey: Int] = [:]
        for candidate in candidates where candidate.capabilities?.contains(.embeddings) != false {
            counts[VariantKey(of: candidate.variant), default: 0] += 1
        }
        guard counts.count > 1 else { return nil }
        return counts.max { one, other in (one.value, other.key.order) < (other.value, one.key.order) }?.key
    }

    /// What is known comes before what is not.
    private var order: String { [revision, dtype, repository].map { $0 ?? "\u{10ffff}" }.joined(separator: "\u{0}") }
}
