/// The console's one page. What the server tells is put in as text, never as markup.
enum ConsolePage {
    static let html = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>MeshNode</title>
        <style nonce="NONCE">
        :root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #146c2e; }
        @media (prefers-color-scheme: dark) { :root { --bad: #ffb4ab; --good: #7ddb8f; } }
        body { font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 70rem; }
        h1 { font-size: 1.3rem; } h1 span { font-weight: normal; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; margin-bottom: 1.5rem; }
        caption { text-align: left; font-weight: 600; padding: .3rem 0; }
        th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
        .bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); }
        form { display: flex; gap: .5rem; flex-wrap: wrap; margin: 1rem 0; }
        input { flex: 1 1 20rem; font: inherit; padding: .4rem; } button { font: inherit; padding: .4rem 1rem; }
        [hidden] { display: none; }
        </style>
        </head>
        <body>
        <h1>MeshNode <span id="where"></span></h1>
        <p id="message" role="status" aria-live="polite"></p>
        <form id="ask">
        <label for="token">Token of the role viewer</label>
        <input id="token" type="password" autocomplete="off" required>
        <button>Show</button>
        </form>
        <main id="view" hidden>
        <div class="scroll"><table id="nodes"><caption>Nodes</caption><thead><tr><th scope="col">Site</th><th scope="col">Node</th>
        <th scope="col">State</th><th scope="col">Version</th><th scope="col">Heard</th><th scope="col">Certificate until</th></tr></thead>
        <tbody></tbody></table></div>
        <div class="scroll"><table id="models"><caption>Models</caption><thead><tr><th scope="col">Model</th><th scope="col">Site</th>
        <th scope="col">State</th><th scope="col">Running</th><th scope="col">Waiting</th><th scope="col">Slots</th>
        <th scope="col">Backend</th></tr></thead><tbody></tbody></table></div>
        <div class="scroll"><table id="links"><caption>Links from this node</caption><thead><tr><th scope="col">To</th>
        <th scope="col">State</th><th scope="col">Round trip</th><th scope="col">Last exchange</th></tr></thead><tbody></tbody></table></div>
        <div class="scroll"><table id="requests"><caption>Latest requests</caption><thead><tr><th scope="col">Time</th>
        <th scope="col">Model</th><th scope="col">Site</th><th scope="col">Reason</th><th scope="col">Tries</th>
        <th scope="col">Outcome</th></tr></thead><tbody></tbody></table></div>
        <button id="forget" type="button">Forget the token</button>
        </main>
        <script nonce="NONCE" type="module">
        const find = id => document.getElementById(id);
        const store = sessionStorage;
        let timer;

        const number = (value, unit) => value === null || value === undefined ? "–" : Math.round(value * 10) / 10 + unit;

        // A row is a list of texts, or of [text, class].
        function fill(id, rows) {
            const body = document.createElement("tbody");
            for (const row of rows) {
                const line = body.insertRow();
                for (const cell of row) {
                    const place = line.insertCell();
                    const [text, mark] = Array.isArray(cell) ? cell : [cell];
                    place.textContent = text ?? "–";
                    if (mark) place.className = mark;
                }
            }
            find(id).tBodies[0].replaceWith(body);
        }

        const state = (value, good) => [value, value === good ? "good" : "bad"];

        async function read(path) {
            const answer = await fetch(path, { headers: { Authorization: "Bearer " + store.getItem("token") }, cache: "no-store" });
            if (answer.status === 401 || answer.status === 403) {
                store.removeItem("token");
                throw new Error(answer.status === 401 ? "This token is not known here." : "This token's role is too low: viewer is needed.");
            }
            if (!answer.ok) throw new Error("The node answered " + answer.status + ".");
            return answer.json();
        }

        async function refresh() {
            clearTimeout(timer);
            if (!store.getItem("token")) return show(false);
            try {
                const [mesh, log] = await Promise.all([read("/mesh/topology"), read("/mesh/receipts?limit=20")]);
                draw(mesh, log.receipts);
                find("message").textContent = "";
                show(true);
            } catch (error) {
                find("message").textContent = error.message;
                if (!store.getItem("token")) return show(false);
            }
            timer = setTimeout(refresh, 2000);
        }

        function draw(mesh, receipts) {
            find("where").textContent = `${mesh.federation}, seen from ${mesh.self.site}/${mesh.self.node} at ${mesh.at}`;
            fill("nodes", mesh.sites.flatMap(site => site.nodes.map(node => [site.site, node.node,
                node.draining ? [node.state + ", draining", "bad"] : state(node.state, "alive"), node.version,
                number(node.heardSecondsAgo, " s ago"), node.certificateExpires])));
            fill("models", mesh.sites.flatMap(site => site.models.map(model => [model.id, site.site, state(model.state, "running"),
                number(model.running, ""), number(model.waiting, ""), number(model.slots, ""), model.backend])));
            fill("links", mesh.links.map(link => [link.to, state(link.state, "up"), number(link.rttMilliseconds, " ms"),
                number(link.exchangedSecondsAgo, " s ago")]));
            fill("requests", receipts.map(entry => [entry.at, entry.model, entry.site, entry.reason, entry.tries,
                state(entry.outcome, "answered")]));
        }

        function show(known) {
            find("view").hidden = !known;
            find("ask").hidden = known;
            if (!known) { find("where").textContent = ""; find("token").focus(); }
        }

        find("ask").addEventListener("submit", event => {
            event.preventDefault();
            store.setItem("token", find("token").value.trim());
            find("token").value = "";
            refresh();
        });
        find("forget").addEventListener("click", () => { store.removeItem("token"); refresh(); });
        refresh();
        </script>
        </body>
        </html>
        """#
}
