"""A root whose key is in a hardware module: SoftHSM by way of libp11's engine. Skipped where they are not installed."""

import os
import pathlib
import shutil
import subprocess

import pytest

from harness import PROGRAM

# Debian's packages softhsm2 and libengine-pkcs11-openssl: installed, or unpacked into this folder.
ROOT = pathlib.Path(os.environ.get("MESHNODE_SOFTHSM", "/"))
MODULE = ROOT / "usr/lib/softhsm/libsofthsm2.so"
ENGINES = next(iter(ROOT.glob("usr/lib/*/engines-3/pkcs11.so")), None)
TOOL = ROOT / "usr/bin/softhsm2-util"
PIN = "12345678"

pytestmark = pytest.mark.skipif(
    not (MODULE.exists() and ENGINES and TOOL.exists() and shutil.which("openssl")),
    reason="softhsm2 and libengine-pkcs11-openssl are not installed (or unpacked at MESHNODE_SOFTHSM)")


@pytest.fixture
def module(tmp_path: pathlib.Path) -> dict[str, str]:
    """A token with one key in it: the environment that leads there."""
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    environment = {**os.environ, "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf"), "PKCS11_MODULE_PATH": str(MODULE),
                   "OPENSSL_ENGINES": str(ENGINES.parent), "LD_LIBRARY_PATH": str(ENGINES.parent.parent)}

    def tool(*arguments: str) -> None:
        subprocess.run([TOOL, "--module", MODULE, *arguments], env=environment, check=True, capture_output=True, timeout=30)

    tool("--init-token", "--free", "--label", "lab", "--pin", PIN, "--so-pin", "87654321")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "k.pem"],
                   cwd=tmp_path, check=True, capture_output=True)
    tool("--import", str(tmp_path / "k.pem"), "--token", "lab", "--label", "root", "--id", "01", "--pin", PIN)
    (tmp_path / "k.pem").unlink()
    return environment


def create(folder: pathlib.Path, environment: dict[str, str], uri: str, pin: str | None = PIN):
    environment = {**environment, **({"MESHNODE_PASSPHRASE": pin} if pin else {})}
    return subprocess.run([PROGRAM, "federation", "create", "lab", "--key-uri", uri], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def test_the_root_key_stays_in_the_module(module, tmp_path):
    made = create(tmp_path, module, "pkcs11:token=lab;object=root;type=private")
    assert made.returncode == 0, made.stderr
    lab = tmp_path / "lab"
    assert not (lab / "root.key").exists() and (lab / "bundle.jws").exists()
    checked = subprocess.run(["openssl", "verify", "-CAfile", lab / "root.pem", lab / "issuer.pem"], capture_output=True,
                             text=True)
    assert checked.returncode == 0, checked.stderr


def test_a_wrong_pin_or_key(module, tmp_path):
    for uri, pin in [("pkcs11:token=lab;object=root;type=private", "00000000"),
                     ("pkcs11:token=lab;object=other;type=private", PIN),
                     ("pkcs11:token=lab;object=root;pin-value=00000000", None)]:
        failed = create(tmp_path, module, uri, pin)
        assert failed.returncode == 1 and "pkcs11:" in failed.stderr, failed.stderr
        # The engine itself may repeat the URI; we do not.
        ours = [line for line in failed.stderr.splitlines() if line.startswith("meshnode:")]
        assert len(ours) == 1 and "00000000" not in ours[0] and not (tmp_path / "lab" / "root.pem").exists()
