import CLinux
import Glibc

/// `meshnode status`: one screen, what is wrong first.
enum StatusCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let body = try NodeClient(invocation).get("/mesh/topology")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        Output.write(text(try decode(TopologyAnswer.self, body), now: Int64(time(nil))))
    }

    static func text(_ mesh: TopologyAnswer, now: Int64) -> String {
        let wrong = troubles(mesh, now: now)
        var out = "federation \(mesh.federation), seen from \(mesh.own.site)/\(mesh.own.node)\n"
        out += wrong.isEmpty ? "nothing is wrong\n" : wrong.map { "! \($0)\n" }.joined()
        var sites = Table(["SITE", "NODE", "STATE", "VERSION", "HEARD", "CERTIFICATE UNTIL", "API"])
        var models = Table(["MODEL", "SITE", "STATE", "RUNNING", "WAITING", "SLOTS"])
        for site in mesh.sites {
            for node in site.nodes {
                sites.add([
                    site.site, node.node, node.draining ? "\(node.state), draining" : node.state, node.version ?? "-",
                    short(node.heardSecondsAgo, unit: " s ago"), node.certificateExpires ?? "-", node.api ?? "-",
                ])
            }
            for model in site.models {
                models.add([
                    model.id, site.site, model.state, short(model.running), short(model.waiting), short(model.slots),
                ])
            }
        }
        return out + "\n" + sites.text + "\n" + models.text
    }

    /// Certificates that end within this are trouble.
    private static let certificateSeconds: Int64 = 48 * 3600

    static func troubles(_ mesh: TopologyAnswer, now: Int64) -> [String] {
        var found: [String] = []
        for site in mesh.sites {
            for node in site.nodes {
                let name = "\(site.site)/\(node.node)"
                if node.state != "alive" { found.append("node \(name) is \(node.state)") }
                if node.draining { found.append("node \(name) is draining") }
                if let end = node.certificateExpires.flatMap(seconds), end - now < certificateSeconds {
                    found.append("the certificate of \(name) ends at \(node.certificateExpires ?? "")")
                }
            }
            for model in site.models where model.state != "running" {
                found.append("model \(model.id) at \(site.site) is \(model.state)")
            }
        }
        for link in mesh.links where link.state != "up" { found.append("link \(link.from) to \(link.to) is \(link.state)") }
        return found
    }

    /// RFC 3339 in UTC.
    private static func seconds(_ text: String) -> Int64? {
        let numbers = text.split { "-T:Z".contains($0) }.compactMap { Int32($0) }
        guard numbers.count == 6 else { return nil }
        var parts = tm()
        parts.tm_year = numbers[0] - 1900
        parts.tm_mon = numbers[1] - 1
        parts.tm_mday = numbers[2]
        parts.tm_hour = numbers[3]
        parts.tm_min = numbers[4]
        parts.tm_sec = numbers[5]
        return Int64(timegm(&parts))
    }
}

/// `meshnode peers`: the nodes, and the links from the one that is asked.
enum PeersCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let body = try NodeClient(invocation).get("/mesh/topology")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let mesh = try decode(TopologyAnswer.self, body)
        var table = Table(["NODE", "STATE", "LINK", "ROUND TRIP", "LAST EXCHANGE", "MESH"])
        for site in mesh.sites {
            for node in site.nodes {
                let name = "\(site.site)/\(node.node)"
                let link = mesh.links.first { $0.to == name }
                let isSelf = site.site == mesh.own.site && node.node == mesh.own.node
                table.add([
                    name, node.state, isSelf ? "self" : link?.state ?? "-", short(link?.rttMilliseconds, unit: " ms"),
                    short(link?.exchangedSecondsAgo, unit: " s ago"), node.mesh ?? "-",
                ])
            }
        }
        Output.write(table.text)
    }
}
