import Gossip

extension ModelConfiguration {
    /// The model as its node's catalog has it before its server was looked at.
    func variant(of configuration: NodeConfiguration) -> Variant {
        Variant(
            id: id, aliases: aliases, state: .unknown, backend: backend.kind.rawValue,
            repository: Fact(description.repository, .declared), revision: Fact(description.revision, .declared),
            dtype: Fact(description.dtype, .declared), contextTokens: Fact(description.contextTokens, .declared),
            capabilities: Fact(description.capabilities?.map(\.rawValue), .declared),
            engine: Fact(description.engine, .declared), policy: policy.rawValue, access: configuration.rules(of: self),
            highAssurance: data.highAssurance, dataClasses: data.dataClasses,
            path: path)
    }
}
