import Glibc

/// A systemd unit for a node: of the system if root made it, of the user otherwise.
struct SystemdUnit {
    let federation: String
    let site: String
    let node: String
    let folder: JoinFolder
    let isOfSystem = geteuid() == 0

    var name: String { "meshnode-\(site)-\(node).service" }
    var path: String { "\(folder.path)/\(name)" }

    /// What to type to have it run from now on.
    var command: String {
        isOfSystem ? "systemctl enable --now \(path)" : "systemctl --user enable --now \(path)"
    }

    /// systemd.service(5); the node ends by itself within 30 s of SIGTERM, once what is under way is done.
    func render() -> String {
        """
        [Unit]
        Description=MeshNode \(site)/\(node) of \(federation)
        Documentation=file:\(folder.configurationFile.replacing("%", with: "%%"))
        Wants=network-online.target
        After=network-online.target

        [Service]
        ExecStart=\(Self.quoted(ChildProcess.ownPath)) serve --config \(Self.quoted(folder.configurationFile))
        Restart=on-failure
        RestartSec=5
        TimeoutStopSec=40
        LimitNOFILE=65536
        NoNewPrivileges=yes
        UMask=0077

        [Install]
        WantedBy=\(isOfSystem ? "multi-user.target" : "default.target")

        """
    }

    /// As systemd reads arguments: quoted, and without its own specifiers and variables.
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for character in text {
            switch character {
            case "\"", "\\": out += "\\" + String(character)
            case "%": out += "%%"
            case "$": out += "$$"
            default: out.append(character)
            }
        }
        return out + "\""
    }
}
