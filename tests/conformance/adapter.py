#!/usr/bin/env python3
"""The command-line protocol of sigstore-conformance, as far as it verifies, in terms of `safepip verify`.

    adapter.py verify-bundle [--staging] --bundle FILE
        (--certificate-identity ID --certificate-oidc-issuer URL | --key PEM) [--trusted-root FILE] FILE_OR_sha256:HEX

A translation and nothing else: exit code 0 is `verified`, anything else is not. To run the suite, name this file as its
entry point, with signing skipped, in an environment whose `python3` has safepip. Source: sigstore-conformance,
docs/cli_protocol.md.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def translated(argv: Sequence[str]) -> list[str]:
    """The words after `safepip`. What is missing or contradicts itself is left for `safepip verify` to refuse."""
    parser = argparse.ArgumentParser(prog="adapter.py", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify-bundle", allow_abbrev=False)
    verify.add_argument("--staging", action="store_true")
    verify.add_argument("--bundle", required=True)
    verify.add_argument("--certificate-identity")
    verify.add_argument("--certificate-oidc-issuer")
    verify.add_argument("--key")
    verify.add_argument("--trusted-root")
    verify.add_argument("artifact")
    asked = parser.parse_args(argv)
    words = ["verify", "--bundle", asked.bundle]
    for option, value in (
        ("--identity", asked.certificate_identity),
        ("--issuer", asked.certificate_oidc_issuer),
        ("--key", asked.key),
        ("--sp-trusted-root", asked.trusted_root),
    ):
        words += [option, value] if value is not None else []
    if asked.staging and asked.trusted_root is None:  # the suite says both, and means the root that it names
        words.append("--staging")
    return [*words, "--offline", "--", _path_or_digest(asked.artifact)]


def _path_or_digest(artifact: str) -> str:
    """The protocol: a digest is what looks like one and is no path. safepip goes by the form alone."""
    looks = re.fullmatch(r"sha256:[0-9a-fA-F]{64}", artifact)
    is_path = artifact.startswith("sha256:") and (not looks or Path(artifact).exists())
    return f"./{artifact}" if is_path else artifact


def main(argv: Sequence[str]) -> int:
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run([sys.executable, "-m", "safepip", *translated(argv)], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
