"""OpenSSL's FIPS provider, where scripts/fips-provider has made it."""

import pathlib
import subprocess

from harness import ROOT

SCRIPT = ROOT / "scripts/fips-provider"


def is_available() -> bool:
    return subprocess.run([SCRIPT, "available"]).returncode == 0


def environment() -> dict[str, str]:
    """The variables by which a program finds the provider."""
    text = subprocess.run([SCRIPT, "environment"], check=True, capture_output=True, text=True).stdout
    return dict(pair.split("=", 1) for pair in text.split())


def damaged(folder: pathlib.Path) -> dict[str, str]:
    """As above, for a provider of which one byte is another: its checksum is wrong."""
    good = environment()
    module = bytearray((pathlib.Path(good["OPENSSL_MODULES"]) / "fips.so").read_bytes())
    # A text inside; the program in it stays what it was.
    at = module.index(b"OpenSSL FIPS Provider")
    module[at:at + 1] = b"o"
    (folder / "fips.so").write_bytes(module)
    return {**good, "OPENSSL_MODULES": str(folder)}
