"""What stood in line at a site when that dies goes where the mesh is now, not where it was when the request came."""

import concurrent.futures
import pathlib
import subprocess

import httpx

from harness import PROGRAM, Mesh, Node, gauge
from processes import listening_ports, wait_for, wait_until_gone

SEEN_SECONDS = 20


def start_again(node: Node) -> subprocess.Popen:
    with (pathlib.Path(node.state) / "again.log").open("wb") as log:
        return subprocess.Popen([PROGRAM, "serve", "--config", pathlib.Path(node.state) / "node.json5"],
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def waiting_at(mesh: Mesh, site: str) -> float:
    lines = mesh.get("/metrics", node=mesh.node(site)).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("meshnode_admission_waiting{"))


def ask(mesh: Mesh, site: str | None, tokens: int) -> httpx.Response:
    return mesh.chat(mesh.node("alpha"), "pair", headers={"Mesh-Site": site} if site else None, max_tokens=tokens)


def test_a_site_that_came_up_meanwhile_is_tried(start_mesh):
    mesh = start_mesh("line.json5")
    beta, gamma = mesh.node("beta"), mesh.node("gamma")
    mesh.kill(beta)

    def state_of_beta() -> str:
        sites = mesh.get("/mesh/topology").json()["sites"]
        return next((one["state"] for place in sites if place["site"] == "beta" for one in place["nodes"]), "left")

    wait_for("alpha sees beta gone", lambda: state_of_beta() in ("unreachable", "dead", "left"), SEEN_SECONDS)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # Longer than all of this takes: whoever comes behind it stands in line.
        pool.submit(ask, mesh, "gamma", 500)
        wait_for("gamma's slot is taken", lambda: busy_slots(mesh) == 1, SEEN_SECONDS)
        asked = pool.submit(ask, mesh, None, 3)
        wait_for("it stands in line at gamma", lambda: waiting_at(mesh, "gamma") == 1, SEEN_SECONDS)
        again = start_again(beta)
        try:
            wait_for("beta serves alpha's users", lambda: ask(mesh, "beta", 1).status_code == 200, SEEN_SECONDS)
            mesh.kill(gamma)
            answer = asked.result(SEEN_SECONDS)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-mesh-site"] == "beta"
            receipt = mesh.receipt(answer)
            ends = [step["ended"].partition(":")[0] for step in receipt["decision"]["steps"]]
            assert ends[-1] == "answered" and "failed" in ends
        finally:
            again.kill()
            again.wait()
            wait_until_gone([again.pid], 10)


def busy_slots(mesh: Mesh) -> float:
    nodes = {node.pid for node in mesh.nodes}
    ports = [port for pid in mesh.descendants() - nodes for port in listening_ports(pid)]
    total = 0.0
    for port in ports:
        try:
            total += gauge(f"http://127.0.0.1:{port}", "vllm:num_requests_running")
        except (httpx.HTTPError, AssertionError):
            continue
    return total
