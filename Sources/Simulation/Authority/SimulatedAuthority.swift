import Gossip

/// One node's key, certificate and trust, as its machine is lent them for one event.
struct SimulatedAuthority: RecordAuthority {
    let registry: Registry
    let certificate: Certificate
    let trust: RootTrust
    /// Bytes of a token, by kind.
    let sizes: RecordModel
    /// By the node's own clock.
    let wallSeconds: UInt64

    /// Leeway for clocks at a certificate's end, as the real authority has it.
    static let leewaySeconds: UInt64 = 300

    func sign(_ record: Record) throws(SigningFailure) -> [UInt8] {
        registry.sign(record, by: certificate, byteCount: sizes.byteCount(of: record.body.kind))
    }

    func open(_ token: [UInt8], identity: Identity?) throws(RecordRefusal) -> Record {
        try open(token, shown: identity?.certificate).record
    }

    func openShared(_ token: [UInt8], identity: SignedRecord?) throws(RecordRefusal) -> SignedRecord {
        try open(token, shown: identity?.certificate)
    }

    /// - Parameter shown: the certificate in the origin's identity; nil: not known.
    private func open(_ token: [UInt8], shown: String?) throws(RecordRefusal) -> SignedRecord {
        let opened = try registry.open(token)
        let signer = opened.token.certificate
        let signed = opened.signed
        guard signer.root != .foreign else { throw .foreignFederation }
        guard trust.trusts(signer.root) else { throw .badSignature }
        guard signed.record.origin == registry.names[Int(signer.node)] else { throw .wrongOrigin }
        guard signer.notAfter + SimulatedAuthority.leewaySeconds >= wallSeconds else { throw .expired }
        if case .identity(let said) = signed.record.body {
            guard said.certificate == signer.text, said.certificateExpires == signer.notAfter else { throw .malformed }
        } else {
            guard shown == signer.text else { throw .unknownOrigin }
        }
        return signed
    }
}

extension RecordModel {
    func byteCount(of kind: RecordKind) -> Int {
        switch kind {
        case .identity: identityBytes
        case .catalog: catalogBytes
        case .load: loadBytes
        }
    }
}
