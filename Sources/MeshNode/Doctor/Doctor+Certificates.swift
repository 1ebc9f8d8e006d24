import API
import CLinux
import Transport
import Trust

/// Certificates: files, who may read them, chain, names, and how long they last.
extension Doctor {
    /// Days before its end at which an authority's certificate, and one that does not renew itself, is worth a word.
    private static let (authorityDays, ownDays): (Int64, Int64) = (90, 14)

    /// What this node proves itself with; nil where it cannot.
    mutating func certificates() -> MeshTrust? {
        let files = configuration.trust
        let trust: MeshTrust
        do throws(CommandFailure) {
            trust = try Node.trust(configuration, Logger(level: .error, json: false, source: "doctor")).0
        } catch {
            add([.fail("certificate", error.message, Self.advice(for: error.message, files))])
            return nil
        }
        if let refusal = trust.ownRefusal {
            add([.fail("certificate", "\(files.certificateFile): \(refusal)", "ask the federation's operator")])
        } else {
            add([Self.life(of: trust.current.certificate, now: PeerGate.now, files.certificateFile)])
        }
        for root in trust.ledger.bundle.roots { add([Self.authority(root, now: PeerGate.now, files.caFile)]) }
        return trust
    }

    /// A mesh certificate renews itself at half of its life: later it is not as it should be.
    static func life(of certificate: Certificate, now: Int64, _ path: String) -> Finding {
        let life = max(1, certificate.notAfter - certificate.notBefore)
        let used = Int(max(0, now - certificate.notBefore) * 100 / life)
        let what = "\(path): \(Lifetime.text(seconds: certificate.notAfter - now)) left, \(used) % of its life is over"
        switch used {
        case ..<55: return .ok("certificate", what)
        case ..<80:
            return .warn("certificate", what, "it should have renewed itself at half of its life: see the node's log")
        default:
            return .fail(
                "certificate", what, "renew it now: meshnode federation renew (see the node's log for why it did not)")
        }
    }

    static func authority(_ root: Certificate, now: Int64, _ path: String) -> Finding {
        let what = "\(path): \(root.subject), until \(Lifetime.moment(root.notAfter))"
        if root.notAfter <= now { return .fail("authority", what, "take it out, and ask the federation for its new roots") }
        if root.notAfter - now < authorityDays * 86_400 {
            return .warn("authority", what, "ask the federation's operator for the rollover of the root")
        }
        return .ok("authority", what)
    }

    private static func advice(for message: String, _ files: TrustConfiguration) -> String? {
        if message.contains("chmod") { return nil }
        if message.contains("has expired") { return "renew it: meshnode federation renew, or join again" }
        if message.contains("not valid before") { return "set this machine's clock right" }
        return "look at trust.certificateFile, trust.keyFile and trust.caFile; meshnode federation join makes them anew"
    }

    /// The API port's own certificate.
    func apiCertificate() -> [Finding] {
        guard let tls = configuration.tls else {
            let behind =
                configuration.trustedProxies.isEmpty ? "on loopback" : "behind \(configuration.trustedProxies.count) proxies"
            return [.ok("tls", "the API speaks plain HTTP, \(behind)")]
        }
        let certificate: Certificate
        do {
            certificate = try Certificate(pemFile: tls.certificateFile)
            var settings = TLSContext.Settings(role: .server, verification: .none)
            settings.certificateFile = tls.certificateFile
            settings.keyFile = tls.keyFile
            _ = try TLSContext(settings)
        } catch { return [.fail("tls", "\(error)", "look at tls.certificateFile and tls.keyFile")] }
        let left = certificate.notAfter - Int64(mesh_realtime_ns() / 1_000_000_000)
        let what = "\(tls.certificateFile): until \(Lifetime.moment(certificate.notAfter))"
        if left <= 0 { return [.fail("tls", what, "put a new certificate there: clients refuse this one")] }
        if FIPS.isOn, !certificate.hasApprovedKey {
            return [
                .fail(
                    "tls", "\(tls.certificateFile) is about a key that FIPS does not allow: no client agrees on TLS",
                    "get one for ECDSA on P-256 or P-384, or RSA of 2048 bits or more")
            ]
        }
        if let host = configuration.advertise.api.flatMap({ WebAddress($0)?.host }), !certificate.isFor(host: host) {
            return [
                .fail(
                    "tls", "\(tls.certificateFile) is not for \(host), which advertise.api tells clients",
                    "get one for that name")
            ]
        }
        if left < Self.ownDays * 86_400 { return [.warn("tls", what, "put a new certificate there soon")] }
        return [.ok("tls", what)]
    }
}
