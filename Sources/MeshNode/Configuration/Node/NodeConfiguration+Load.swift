import Gossip
import Routing

extension NodeConfiguration {
    /// Reads a node's configuration.
    /// - Parameters:
    ///   - path: the file; relative paths in it begin at its directory.
    ///   - validatingFiles: whether the files that it names must exist and be readable (`meshnode check`).
    /// - Throws: everything wrong with the file.
    static func load(path: String, validatingFiles: Bool = false) throws(ConfigurationErrors) -> NodeConfiguration {
        try Decoding.decode(path: path, validatingFiles: validatingFiles, decode)
    }

    static func decode(_ fields: ConfigurationFields) -> NodeConfiguration {
        let tls = fields["tls"].optional(CertificateConfiguration.decode)
        let trustedProxies = fields["trustedProxies"].list(atMost: trustedProxiesAllowed) { $0.addressRange() }
        let advertise = AdvertiseConfiguration.decode(fields["advertise"])
        let isProtected = tls != nil || !trustedProxies.isEmpty
        let globusCompute = fields["globusCompute"].optional(GlobusComputeConfiguration.decode)
        let models = ModelConfiguration.decode(fields["models"])
        if globusCompute == nil, models.contains(where: \.isBehindGlobus) {
            fields["globusCompute"].fail(
                "is missing, and a model has the backend globusCompute; allowed: globusCompute: { clientId: …, secretFile: … }"
            )
        }
        let outbound = OutboundConfiguration.decode(fields)
        let carrier = CarrierConfiguration.decode(fields["carrier"])
        if carrier != nil, outbound != nil {
            fields["carrier"].fail("stands beside carriers; allowed: one of the two, since a carrier must take calls")
        }
        let data = DataPolicy.decode(fields["data"])
        for model in models { model.data.check(data, model: model.id, path: model.path, by: fields["models"]) }
        return NodeConfiguration(
            federation: fields["federation"].federation(),
            site: fields["site"].label(),
            node: fields["node"].label(),
            listen: ListenConfiguration.decode(fields["listen"], isProtected: isProtected, advertise: advertise),
            advertise: advertise,
            tls: tls,
            trustedProxies: trustedProxies,
            trust: TrustConfiguration.decode(fields["trust"]),
            seeds: fields["seeds"].list(atMost: seedsAllowed) { $0.hostAndPort() },
            proxy: fields["proxy"].optional(ProxyConfiguration.decode),
            outbound: outbound,
            carrier: carrier,
            stateDirectory: fields["stateDirectory"].directory(),
            tokens: TokenConfiguration.decode(fields["tokens"]),
            authentication: AuthenticationConfiguration.decode(fields["authentication"]),
            access: AccessConfiguration.decode(fields["access"]),
            data: data,
            links: LinkConfiguration.decode(fields["links"], own: fields["federation"]),
            keys: KeyConfiguration.decode(fields["keys"]),
            loops: fields["loops"].integer(in: 0...loopsAllowed, default: 0),
            limits: LimitConfiguration.decode(fields["limits"]),
            gossip: Settings.decodeOfNode(fields["gossip"]),
            routing: RoutingPolicies.decode(fields["routing"]),
            timeouts: TimeoutConfiguration.decode(fields["timeouts"]),
            health: HealthConfiguration.decode(fields["health"]),
            log: LogConfiguration.decode(fields["log"]),
            fips: fields["fips"].enumeration(FIPSRequirement.self, default: .off),
            audit: AuditConfiguration.decode(fields["audit"]),
            receipts: ReceiptConfiguration.decode(fields["receipts"]),
            globusCompute: globusCompute,
            models: models)
    }
}

extension ListenConfiguration {
    /// Bearer tokens must not cross a network in the clear, so plain HTTP stays on loopback or behind declared proxies.
    static func decode(
        _ cursor: ConfigurationCursor, isProtected: Bool, advertise: AdvertiseConfiguration
    ) -> ListenConfiguration {
        cursor.object { fields in
            let listen = ListenConfiguration(
                api: fields["api"].listenAddress(),
                mesh: fields["mesh"].listenAddress(),
                admin: fields["admin"].optional { $0.listenAddress() })
            for (field, address) in [(fields["api"], listen.api), (fields["admin"], listen.admin ?? .loopback)]
            where !isProtected && !address.isLoopback {
                field.fail(
                    "found \(field.found), where tokens would cross the network in the clear; allowed: a loopback address "
                        + "such as 127.0.0.1, or a certificate in `tls`, or the proxies in front of it in `trustedProxies`")
            }
            if listen.mesh.isWildcard && advertise.mesh == nil {
                fields["mesh"].fail(
                    "found \(fields["mesh"].found), which nobody can dial; say in `advertise.mesh` where others can")
            }
            if listen.api.isWildcard && advertise.api == nil {
                fields["api"].fail(
                    "found \(fields["api"].found), which nobody can call; say in `advertise.api` where others can")
            }
            let given = [fields["api"], fields["mesh"], fields["admin"]]
            let used = UniqueNames()
            for (field, address) in zip(given, [listen.api, listen.mesh, listen.admin ?? .loopback]) where address.port > 0 {
                used.claim(address.description, by: field)
            }
            return listen
        }
    }
}

extension AdvertiseConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> AdvertiseConfiguration {
        cursor.objectOrDefaults { fields in
            AdvertiseConfiguration(
                api: fields["api"].optional { $0.webAddress(allowsPath: false) },
                mesh: fields["mesh"].optional { $0.webAddress(schemes: ["https"], allowsPath: false) })
        }
    }
}

extension CertificateConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> CertificateConfiguration {
        cursor.object { fields in
            CertificateConfiguration(certificateFile: fields["certificateFile"].file(), keyFile: fields["keyFile"].file())
        }
    }
}

extension TrustConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> TrustConfiguration {
        cursor.object { fields in
            TrustConfiguration(
                caFile: fields["caFile"].file(), certificateFile: fields["certificateFile"].file(),
                keyFile: fields["keyFile"].file(), issuer: fields["issuer"].optional(CertificateConfiguration.decode))
        }
    }
}

extension TokenConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> [TokenConfiguration] {
        let names = UniqueNames()
        let digests = UniqueNames()
        return cursor.list(atMost: NodeConfiguration.tokensAllowed) { item in
            item.object { fields in
                let token = TokenConfiguration(
                    name: fields["name"].string(length: 1...128, allowed: "a name in visible ASCII", where: Names.isVisible),
                    role: fields["role"].enumeration(TokenRole.self) ?? .user,
                    sha256: fields["sha256"].sha256())
                names.claim(token.name, by: fields["name"])
                digests.claim(token.sha256, by: fields["sha256"])
                return token
            }
        }
    }
}
