"""Users who log in with Globus: who they are, what they may, and keys that they make."""

import datetime
import pathlib
import re
import urllib.parse

import httpx
import pytest

from certificates import Authority
from globus import ALPHA, BETA, NATIVE, emulated, fault, scope
from harness import Mesh, write_topology
from nodes import TOKENS, serving, write_configuration
from processes import free_port, wait_for
from test_access import error
from test_keys import ready


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("login")
    with emulated(folder) as globus:
        topology = write_topology("globus-login.json5", folder, GLOBUS=globus, SECRET=folder / "secret")
        with Mesh(topology, folder) as running:
            yield running


def bearer(name: str) -> dict:
    return {"Authorization": f"Bearer token-of-{name}"}


def chat(mesh: Mesh, token: str, model: str, site: str = "alpha") -> httpx.Response:
    return httpx.post(
        f"{mesh.node(site).api}/v1/chat/completions", headers={"Authorization": f"Bearer {token}"}, timeout=30,
        json={"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 8})


def test_members_of_the_group_are_served_at_the_other_site(login: Mesh):
    served = chat(login, "token-of-alice@anl.gov", "guarded")
    assert served.status_code == 200, served.text
    assert served.headers["x-mesh-site"] == "beta"
    assert chat(login, "beta-token-of-alice@anl.gov", "guarded", "beta").status_code == 200
    # The token itself never left the node that it came to.
    assert "token-of-alice" not in login.log_text()


def test_a_pending_membership_is_none(login: Mesh):
    refused = chat(login, "token-of-bob@anl.gov", "guarded")
    assert refused.status_code == 403
    assert "model guarded at beta" in error(refused)["message"]
    assert chat(login, "token-of-bob@anl.gov", "open").status_code == 200
    listed = httpx.get(f"{login.node('alpha').api}/v1/models", headers=bearer("bob@anl.gov")).json()["data"]
    assert [entry["id"] for entry in listed] == ["open"]


def test_the_federations_rule(login: Mesh):
    for path in ["/v1/models", "/v1/models/open"]:
        refused = httpx.get(f"{login.node('alpha').api}{path}", headers=bearer("eve@elsewhere.org"))
        assert refused.status_code == 403
        assert "identity provider rule of the federation tests" in error(refused)["message"]
        assert "anl.gov" not in refused.text
    assert chat(login, "token-of-eve@elsewhere.org", "open").status_code == 403


@pytest.mark.parametrize("name, status", [("carol@anl.gov", 200), ("alice@anl.gov", 403)])
def test_roles_come_from_rules(login: Mesh, name: str, status: int):
    assert httpx.get(f"{login.node('alpha').api}/mesh/topology", headers=bearer(name)).status_code == status


def test_a_token_for_another_node_is_told_what_is_wanted(login: Mesh):
    alpha = login.node("alpha")
    refused = chat(login, "beta-token-of-alice@anl.gov", "open")
    assert refused.status_code == 401
    assert scope(ALPHA) in error(refused)["message"]
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith("Bearer ") and f'scope="{scope(ALPHA)}"' in challenge
    metadata = re.search('resource_metadata="([^"]+)"', challenge)[1]
    told = httpx.get(metadata).json()
    assert told["resource"] == alpha.api and told["scopes_supported"] == [scope(ALPHA)]
    assert told["authorization_servers"] and told["bearer_methods_supported"] == ["header"]


def test_what_a_client_must_know_is_said_openly(login: Mesh):
    told = httpx.get(f"{login.node('alpha').api}/.well-known/meshnode").json()["authentication"]
    assert told["methods"] == ["bearer", "globus"] and told["nativeClientId"] == NATIVE
    assert {entry["site"]: (entry["scope"], entry["apis"]) for entry in told["scopes"]} == {
        "alpha": (scope(ALPHA), [login.node("alpha").api]), "beta": (scope(BETA), [login.node("beta").api])}


def test_static_tokens_go_on(login: Mesh):
    assert chat(login, login.tokens["user"], "open").status_code == 200
    refused = chat(login, login.tokens["user"], "guarded")
    assert refused.status_code == 403, "a static token is in no group"


def make_key(mesh: Mesh, name: str, **limits: object) -> httpx.Response:
    return httpx.post(f"{mesh.node('alpha').api}/v1/keys", headers=bearer(name), json={"name": "laptop", **limits})


def test_a_key_has_its_owners_rights_and_the_logins_end(login: Mesh):
    made = make_key(login, "alice@anl.gov")
    assert made.status_code == 201, made.text
    key = made.json()
    assert chat(login, key["key"], "guarded").status_code == 200
    # The emulation's users logged in a minute ago: 30 days from then, not 90 from now.
    lasts = datetime.datetime.fromisoformat(key["expiresAt"]) - datetime.datetime.fromisoformat(key["createdAt"])
    assert datetime.timedelta(days=29) < lasts < datetime.timedelta(days=30)
    # An operator's key is a user's.
    carol = make_key(login, "carol@anl.gov").json()["key"]
    answer = httpx.get(f"{login.node('alpha').api}/mesh/topology", headers={"Authorization": f"Bearer {carol}"})
    assert answer.status_code == 403 and error(answer)["code"] == "role_too_low"


def test_an_old_login_makes_no_key(login: Mesh):
    refused = make_key(login, "olga@anl.gov")
    assert refused.status_code == 403, refused.text
    assert error(refused)["code"] in ("login_too_old", "login_time_unknown")


def test_whom_the_federation_refuses_gets_no_key(login: Mesh):
    assert make_key(login, "eve@elsewhere.org").status_code == 403


@pytest.fixture
def page(tmp_path: pathlib.Path):
    """A node with a login page, and the emulation behind it."""
    api = f"127.0.0.1:{free_port()}"
    callback = f"http://{api}/login/callback"
    with emulated(tmp_path, [callback]) as globus:
        authority = Authority("tests", tmp_path / "ca")
        configuration = write_configuration(
            tmp_path, authority.issue("other", "o1"), "tests",
            listen={"api": api, "mesh": f"127.0.0.1:{free_port()}"},
            authentication={"globus": {"clientId": ALPHA, "secretFile": str(tmp_path / "secret"), "redirectURL": callback,
                                       "services": {"auth": globus, "groups": globus}}})
        with serving(configuration) as (_, log):
            ready(f"http://{api}")
            yield f"http://{api}", globus, log


def come_back(browser: httpx.Client, api: str) -> str:
    """Goes to the identity provider; gives the URL by which it sends the browser back."""
    begun = browser.get(f"{api}/login")
    assert begun.status_code == 302
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=600" in cookie
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(begun.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"] and query["client_id"] == [ALPHA]
    sent = httpx.get(begun.headers["location"])
    assert sent.status_code in (302, 303), sent.text
    return sent.headers["location"]


def test_a_key_from_the_login_page(page):
    api, _, log = page
    with httpx.Client() as browser:
        back = come_back(browser, api)
        form = browser.get(back)
        assert form.status_code == 200, form.text
        assert "alice@anl.gov" in form.text
        policy = form.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
        assert browser.get(back).status_code == 400, "the way back is good once"
        ticket = re.search('name="ticket" value="([^"]+)"', form.text)[1]
        fields = {"ticket": ticket, "name": "my <laptop>", "days": "3"}
        made = browser.post(f"{api}/login/key", data=fields)
        assert made.status_code == 200, made.text
        key = re.search("mk_other_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", made.text)[0]
        assert made.headers["cache-control"] == "no-store"
        assert browser.post(f"{api}/login/key", data=fields).status_code == 400, "and so is the form"
    assert httpx.get(f"{api}/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert key not in log.read_text() and ticket not in log.read_text()


def test_a_login_belongs_to_one_browser(page):
    api, _, _ = page
    with httpx.Client() as browser, httpx.Client() as other:
        back = come_back(browser, api)
        assert other.get(back).status_code == 400, "no cookie"
        back = come_back(browser, api)
        come_back(other, api)
        assert other.get(back).status_code == 400, "another's cookie"
        assert browser.get(back).status_code == 400, "what was tried elsewhere is void"
        form = browser.get(come_back(browser, api))
        ticket = re.search('name="ticket" value="([^"]+)"', form.text)[1]
        assert other.post(f"{api}/login/key", data={"ticket": ticket, "name": "x", "days": "1"}).status_code == 400
    assert httpx.get(f"{api}/login/callback?state=made-up&code=x").status_code == 400
    refused = httpx.get(f"{api}/login/callback?error=access_denied&error_description=%3Cscript%3E&state=x")
    assert refused.status_code == 400 and "<script>" not in refused.text


def test_while_globus_is_away(page):
    api, globus, _ = page
    headers = {"Authorization": "Bearer token-of-bob@anl.gov"}
    assert httpx.get(f"{api}/v1/models", headers=headers).status_code == 200
    fault(globus, down=["auth"])
    assert httpx.get(f"{api}/v1/models", headers=headers).status_code == 200, "who is known goes on"
    new = httpx.get(f"{api}/v1/models", headers={"Authorization": "Bearer token-of-carol@anl.gov"}, timeout=60)
    assert new.status_code == 503 and int(new.headers["retry-after"]) > 0
    assert error(new)["code"] == "authentication_unavailable"
    static = httpx.get(f"{api}/v1/models", headers={"Authorization": f"Bearer {TOKENS['user']}"})
    assert static.status_code == 200
    fault(globus, down=[])

    def is_known() -> bool:
        answer = httpx.get(f"{api}/v1/models", headers={"Authorization": "Bearer token-of-carol@anl.gov"}, timeout=60)
        assert answer.status_code in (200, 503), "an outage is no refusal"
        return answer.status_code == 200

    wait_for("the new user is known", is_known, 30)


def test_a_secret_that_is_not_there(tmp_path: pathlib.Path):
    authority = Authority("tests", tmp_path / "ca")
    configuration = write_configuration(
        tmp_path, authority.issue("other", "o1"), "tests",
        authentication={"globus": {"clientId": ALPHA, "secretFile": str(tmp_path / "nowhere")}})
    with serving(configuration) as (process, log):
        assert process.wait(20) == 1
    line, = log.read_text().strip().splitlines()
    assert "secret" in line and "nowhere" in line


def test_a_token_revoked_in_mid_stream(tmp_path: pathlib.Path):
    """What was begun with a good token is ended; the next request is refused once the node asks again."""
    with emulated(tmp_path) as globus:
        topology = write_topology("globus-login.json5", tmp_path, GLOBUS=globus, SECRET=tmp_path / "secret")
        with Mesh(topology, tmp_path) as mesh:
            token = "token-of-alice@anl.gov"
            body = {"model": "open", "messages": [{"role": "user", "content": "Hello."}], "stream": True,
                    "max_tokens": 1500}
            with httpx.stream("POST", f"{mesh.node('alpha').api}/v1/chat/completions", json=body, timeout=30,
                              headers={"Authorization": f"Bearer {token}"}) as answer:
                lines = answer.iter_lines()
                assert next(lines).startswith("data: ")
                fault(globus, revokeToken=token)
                assert [line for line in lines if line][-1] == "data: [DONE]"
            # Another node's first question about a token that is dead.
            fault(globus, revokeToken="beta-token-of-alice@anl.gov")
            assert chat(mesh, "beta-token-of-alice@anl.gov", "open", "beta").status_code == 401
