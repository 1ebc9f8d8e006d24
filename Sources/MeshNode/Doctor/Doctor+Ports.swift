import CLinux
import FoundationEssentials
import Glibc
import Gossip
import Transport

/// Whether the node's ports are free, or held by the node itself.
extension Doctor {
    private struct WellKnown: Decodable {
        var site: String
        var node: String
    }

    private var me: NodeID { NodeID(site: configuration.site, node: configuration.node) }

    mutating func ports(_ worker: Worker, _ trust: MeshTrust?) -> Ports {
        var found = Ports()
        let listeners: [(String, ListenAddress?)] = [
            ("listen.api", configuration.listen.api), ("listen.mesh", configuration.listen.mesh),
            ("listen.admin", configuration.listen.admin),
        ]
        for case (let field, let address?) in listeners {
            let isMesh = field == "listen.mesh"
            guard let refusal = Self.refusal(address) else {
                add([.ok("port", "\(field) \(address) is free\(address.port == 0 ? ": the kernel chooses" : "")")])
                continue
            }
            let holder =
                isMesh ? trust.flatMap { meshHolder(of: address, worker, $0) } : apiHolder(of: address, worker)
            if holder == me {
                found.isRunning = true
                add([.ok("port", "\(field) \(address) is held by this node, which runs")])
            } else if let holder {
                add([
                    .fail(
                        "port", "\(field) \(address) is held by the node \(holder)", "choose another port, or stop that node"
                    )
                ])
            } else {
                add([.fail("port", "\(field): \(refusal)", Self.advice(refusal, address))])
            }
        }
        return found
    }

    /// Why it cannot be listened on; nil if it can.
    private static func refusal(_ address: ListenAddress) -> String? {
        do throws(TransportError) {
            try ListeningSocket.bind(try address.socketAddress, count: 1).close()
            return nil
        } catch { return error.message }
    }

    private static func advice(_ refusal: String, _ address: ListenAddress) -> String {
        func says(_ code: Int32) -> Bool { refusal.hasSuffix(String(cString: strerror(code))) }
        if says(EADDRNOTAVAIL) { return "this machine has no address \(address.address): see ip address" }
        if says(EACCES) { return "ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE, or a port above" }
        return "see who holds it: ss -ltnp 'sport = :\(address.port)'"
    }

    /// Where this machine itself reaches what listens on an address.
    private static func target(_ address: ListenAddress) -> HostPort {
        let host = address.isWildcard ? (address.address.contains(":") ? "::1" : "127.0.0.1") : address.address
        return HostPort(host: host, port: UInt16(clamping: address.port))
    }

    /// Which node's API answers there. Whose certificate it shows does not matter here: it is asked for a name, not trusted.
    private func apiHolder(of address: ListenAddress, _ worker: Worker) -> NodeID? {
        var tls: TLSContext?
        if configuration.tls != nil {
            guard let made = try? TLSContext(TLSContext.Settings(role: .client, verification: .none)) else { return nil }
            tls = made
        }
        let upstream = Upstream(target: Self.target(address), tls: tls)
        return Blocking.run {
            await worker.run { context in
                let answer = try? await context.pool.request(
                    upstream, target: "/.well-known/meshnode", limit: 1 << 20,
                    deadline: mesh_monotonic_ns() &+ 3_000_000_000)
                guard let answer, answer.status == 200,
                    let known = try? JSONDecoder().decode(WellKnown.self, from: Data(answer.body))
                else { return nil }
                return NodeID(site: known.site, node: known.node)
            }
        }
    }

    /// Which node's mesh port answers there.
    private func meshHolder(of address: ListenAddress, _ worker: Worker, _ trust: MeshTrust) -> NodeID? {
        let upstream = Upstream(target: Self.target(address), securedBy: trust.clientTLS)
        return Blocking.run {
            await worker.run { context in
                guard
                    let connection = try? await context.pool.acquire(
                        upstream, deadline: mesh_monotonic_ns() &+ 3_000_000_000)
                else { return nil }
                defer { connection.stream.close() }
                return connection.stream.peerIdentity as? NodeID
            }
        }
    }
}
