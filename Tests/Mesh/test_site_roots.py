"""A site with an authority of its own: good for its own nodes, and for no others."""

import ssl

import pytest

from certificates import Authority
from harness import Mesh
from nodes import serving, tell, write_configuration
from processes import dialled, wait_for
from trust import SEEN_SECONDS, federation, folder, member, operate


@pytest.fixture
def trust_mesh(start_mesh) -> Mesh:
    return start_mesh("trust.json5")


def answered(mesh: Mesh, identity) -> bool:
    """Whether the first node's mesh port talks with whoever has this certificate."""
    host, port = mesh.nodes[0].mesh.removeprefix("https://").rsplit(":", 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["meshnode/1"])
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    try:
        with dialled((host, int(port))) as plain, context.wrap_socket(plain) as link:
            link.sendall(b"POST /meshnode/v1/ping HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            return link.recv(64).startswith(b"HTTP/1.1 ")
    except (ssl.SSLError, ConnectionError):
        return False


def test_a_sites_own_authority(trust_mesh: Mesh, tmp_path):
    name = federation(trust_mesh, trust_mesh.nodes[0])["federation"]
    own = Authority(name, tmp_path / "own")
    delta = own.issue("delta", "d1")
    assert not answered(trust_mesh, delta)

    wrong = operate(trust_mesh, "site-root", "delta", "--directory", folder(trust_mesh))
    assert wrong.returncode == 2 and "--root" in wrong.stderr
    leaf = operate(trust_mesh, "site-root", "delta", "--root", delta.certificate_file, "--directory", folder(trust_mesh))
    assert leaf.returncode == 1 and "not the certificate of an authority" in leaf.stderr

    done = operate(trust_mesh, "site-root", "delta", "--root", own.file, "--directory", folder(trust_mesh))
    assert done.returncode == 0, done.stderr
    # The other sites' names are not its to give.
    assert not answered(trust_mesh, own.issue("beta", "b9"))
    statements = federation(trust_mesh, trust_mesh.nodes[0])["statements"]
    identity = own.issue("delta", "d2")
    trust = {"caFile": str(folder(trust_mesh) / "ca.pem"), "certificateFile": str(identity.certificate_file),
             "keyFile": str(identity.key_file)}
    seed = trust_mesh.nodes[0].mesh.removeprefix("https://")
    path = write_configuration(tmp_path, identity, name, "delta", "d2", seeds=[seed], trust=trust)
    tell(path, statements)
    with serving(path):
        for node in trust_mesh.nodes:
            wait_for(f"{node.site} knows it", lambda node=node: (member(trust_mesh, node, "delta") or {}).get("state") == "alive",
                     SEEN_SECONDS)
    assert answered(trust_mesh, delta)

    removed = operate(trust_mesh, "site-root", "delta", "--remove", "--directory", folder(trust_mesh))
    assert removed.returncode == 0, removed.stderr
    assert not answered(trust_mesh, delta)
