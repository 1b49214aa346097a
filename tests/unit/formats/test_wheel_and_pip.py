"""What is foretold of a wheel is what pip then writes."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from safepip.formats.wheel import read_contents
from tests.factories import WHEEL
from tests.unit.formats.wheels import DATA, INFO, built, members_of

POINTS = """[console_scripts]
demo = demo.cli:main
  watch-me.py=demo:Class.method [extra, other]
_dd = a._b:c[d]
Demo2 = demo:x
caf\N{LATIN SMALL LETTER E WITH ACUTE} = demo:x
a+b@c = demo:x
[gui_scripts]
demo-gui = demo.gui:main
# comment
[other]
evil = demo
"""
FILES = {
    f"{INFO}/entry_points.txt": POINTS.encode(),
    f"{DATA}/scripts/demo": b"left out",
    f"{DATA}/scripts/demo-gui-script.py": b"left out",
    f"{DATA}/scripts/kept": b"#!/bin/sh\n",
    f"{DATA}/scripts/sub/kept": b"",
    f"{DATA}/data/etc/demo.conf": b"x",
    f"{DATA}/data/lib/libdemo.so": b"",
    f"{DATA}/headers/demo.h": b"",
    f"{DATA}/purelib/demo/pure.py": b"",
    f"{DATA}/platlib/demo/plat.py": b"",
    "demo/x.data/y": b"",
    "lib/os.py": b"",
    f"{INFO}/licenses/LICENSE": b"",
}
WRITTEN_BY_PIP = {"INSTALLER", "REQUESTED", "direct_url.json"}


@pytest.mark.parametrize("pure", [b"true", b"false"])
def test_every_file_and_no_other(tmp_path: Path, pure: bytes) -> None:
    body = built(members_of({**FILES, f"{INFO}/WHEEL": WHEEL.replace(b"true", pure)}))
    contents = read_contents(io.BytesIO(body), None)
    assert (contents.faults, contents.record_faults) == ((), ())
    assert contents.manifest is not None
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(body)
    prefix = tmp_path / "prefix"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--prefix",
        str(prefix),
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, "--quiet", str(path)], check=True, capture_output=True, timeout=120, env=environ)
    variables = {"base": str(prefix), "platbase": str(prefix), "installed_base": str(prefix)}
    paths = sysconfig.get_paths("posix_prefix", variables)
    [header] = prefix.rglob("demo.h")  # where headers go is pip's own idea
    schemes = {
        **{name: paths[name] for name in ("purelib", "platlib", "scripts", "data")},
        "headers": str(header.parent),
    }
    library = Path(paths["purelib"]) / INFO
    foretold = {
        place: file.sha256 for place, file in contents.manifest.placed(schemes) if file.path != f"{INFO}/RECORD"
    }
    scripts = {f"{paths['scripts']}/{name}" for name in contents.manifest.scripts}
    there = {str(one) for one in prefix.rglob("*") if one.is_file() and "demo.h" not in str(one.parent)}
    assert there - {str(library / name) for name in (*WRITTEN_BY_PIP, "RECORD")} == set(foretold) | scripts
    assert {place: hashlib.sha256(Path(place).read_bytes()).digest() for place in foretold} == foretold
