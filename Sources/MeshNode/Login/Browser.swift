import Glibc

/// The user's browser.
enum Browser {
    /// Whether somebody sits here who can use one: a terminal, a display and a program that opens pages.
    static var isHere: Bool {
        guard isatty(0) == 1, isatty(1) == 1, opener != nil else { return false }
        return Environment.value("DISPLAY") != nil || Environment.value("WAYLAND_DISPLAY") != nil
    }

    private static var opener: String? {
        let folders = (Environment.value("PATH") ?? "").split(separator: ":")
        return folders.map { "\($0)/xdg-open" }.first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    /// Opens a page; false where that cannot even be tried.
    static func open(_ url: String) -> Bool {
        guard let opener else { return false }
        return (try? ChildProcess.start("a browser", opener, [url], output: "/dev/null")) != nil
    }
}
