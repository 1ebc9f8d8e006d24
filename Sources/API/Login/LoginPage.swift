/// The pages of `/login`. All that comes from outside goes through `escaped`.
enum LoginPage {
    private static let style = """
        :root { color-scheme: light dark; --line: #8886; --bad: #b3261e; }
        @media (prefers-color-scheme: dark) { :root { --bad: #ffb4ab; } }
        body { font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 42rem; }
        h1 { font-size: 1.3rem; } label { display: block; margin: .75rem 0 .25rem; }
        input { font: inherit; padding: .4rem; width: 100%; box-sizing: border-box; }
        button { font: inherit; padding: .4rem 1rem; margin-top: 1rem; }
        code { display: block; padding: .6rem; border: 1px solid var(--line); overflow-wrap: anywhere; user-select: all; }
        .bad { color: var(--bad); font-weight: 600; }
        """

    private static func page(_ title: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(title))</title>
        <style nonce="NONCE">
        \(style)
        </style>
        </head>
        <body>
        <main>
        <h1>\(escaped(title))</h1>
        \(body)
        </main>
        </body>
        </html>
        """
    }

    /// The form that makes a key.
    static func form(user: String, site: String, ticket: String, maximumDays: Int) -> String {
        page(
            "An API key for \(site)",
            """
            <p>You are logged in as <strong>\(escaped(user))</strong>.</p>
            <form method="post" action="/login/key">
            <input type="hidden" name="ticket" value="\(escaped(ticket))">
            <label for="name">What the key is for</label>
            <input id="name" name="name" required maxlength="64" placeholder="my laptop" autocomplete="off">
            <label for="days">Days that it lasts, \(maximumDays) at most and no longer than your login</label>
            <input id="days" name="days" type="number" min="1" max="\(maximumDays)" value="\(min(30, maximumDays))" required>
            <button>Make the key</button>
            </form>
            """)
    }

    /// The key, this once.
    static func made(key: String, apiURL: String, expires: String) -> String {
        page(
            "Your API key",
            """
            <p>Copy it now: it is not shown again.</p>
            <code>\(escaped(key))</code>
            <p>Use it with <code>OPENAI_BASE_URL=\(escaped(apiURL))/v1</code> as <code>OPENAI_API_KEY</code>.
            It lasts until \(escaped(expires)).</p>
            <p><a href="/login">Make another</a></p>
            """)
    }

    static func failed(_ message: String) -> String {
        page(
            "The login did not work",
            """
            <p class="bad">\(escaped(message))</p>
            <p><a href="/login">Try again</a></p>
            """)
    }

    /// Text as it may stand in an element or a quoted attribute.
    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }
}
