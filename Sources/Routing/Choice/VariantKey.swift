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

    /// The variant that embeddings are of where callers do not say: the one that most sites have, whatever state their nodes are in, so
    /// that it does not change as they come and go, and no site decides for others by running many nodes; of equals, the first by name.
    /// nil: there is but one.
    static func ofEmbeddings(among candidates: [Candidate]) -> VariantKey? {
        guard let first = candidates.first.map({ VariantKey(of: $0.variant) }),
            candidates.contains(where: { VariantKey(of: $0.variant) != first })
        else { return nil }
        var sites: [VariantKey: Set<String>] = [:]
        for candidate in candidates where candidate.capabilities?.contains(.embeddings) != false {
            sites[VariantKey(of: candidate.variant), default: []].insert(candidate.node.siteName)
        }
        guard sites.count > 1 else { return nil }
        return sites.max { one, other in (one.value.count, other.key.order) < (other.value.count, one.key.order) }?.key
    }

    /// What is known comes before what is not.
    private var order: String { [revision, dtype, repository].map { $0 ?? "\u{10ffff}" }.joined(separator: "\u{0}") }
}
