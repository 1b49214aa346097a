"""What building an sdist would run, by its declarations: every kind of A, B and C, with the place that says it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from safepip.formats.sdist import read_sdist
from safepip.model.ident import FileName
from safepip.model.sdist import BuildKind, SdistContents
from tests.archives.badsdists import a_file, system
from tests.archives.rawtar import (
    FLIT,
    an_sdist,
    hard_link,
    sdist_parts,
    symlink,
    tar_gz,
)

NAME = "demo-1.0.tar.gz"


def read(content: bytes, name: str = NAME) -> SdistContents:
    return read_sdist(io.BytesIO(content), FileName.parse(name))


def codes(content: bytes, name: str = NAME) -> list[str]:
    return [fault.code for fault in read(content, name).faults]


HATCH = system("hatchling.build", "hatchling")
TOOLS = system("setuptools.build_meta", "setuptools", "wheel")
ATTRIBUTE = '[tool.setuptools.dynamic]\nversion = {attr = "demo.__version__"}\n'
FLIT_DYNAMIC = FLIT + '[project]\nname = "demo"\ndynamic = ["version", "description"]\n'
TRIVIAL = "from setuptools import setup\nsetup()\n"
A, B, SETUP, OWN = BuildKind.DECLARATIVE, BuildKind.PLUGINS, BuildKind.NEEDS_SETUP_PY, BuildKind.OWN_CODE

# (pyproject.toml, other files, kind, (file, line) of the first clue)
Case = tuple[str | None, Mapping[str, str], BuildKind, tuple[str, int | None]]
CLASSES: dict[str, Case] = {
    # A
    "flit": (FLIT, {}, A, ("pyproject.toml", 3)),
    "hatchling": (HATCH, {}, A, ("pyproject.toml", 3)),
    "poetry": (system("poetry.core.masonry.api", "poetry-core>=1"), {}, A, ("pyproject.toml", 3)),
    "pdm": (system("pdm.backend", "pdm-backend"), {}, A, ("pyproject.toml", 3)),
    "uv": (system("uv_build", "uv_build>=0.8,<0.9"), {}, A, ("pyproject.toml", 3)),
    "setuptools": (TOOLS, {}, A, ("pyproject.toml", 3)),
    "setuptools, a trivial setup.py": (TOOLS, {"setup.py": TRIVIAL}, A, ("pyproject.toml", 3)),
    "setuptools, a plain setup.cfg": (TOOLS, {"setup.cfg": "[metadata]\nname = demo\n"}, A, ("pyproject.toml", 3)),
    "setuptools, an attribute that is a literal": (
        TOOLS + ATTRIBUTE,
        {"demo/__init__.py": "__version__ = '1.0'\n"},
        A,
        ("pyproject.toml", 3),
    ),
    "setuptools, an attribute, and bounds that are not old": (
        system("setuptools.build_meta", "setuptools>=40,<80,!=50.0", "wheel==0.45.*", more=ATTRIBUTE),
        {"demo.py": "__version__ = '1.0'\n"},
        A,
        ("pyproject.toml", 3),
    ),
    "flit, as most ask for it": (
        FLIT_DYNAMIC.replace('"flit_core"', '"flit_core~=3.2,<4"'),
        {"demo/__init__.py": "'Demo.'\n__version__ = '1'\n"},
        A,
        ("pyproject.toml", 3),
    ),
    "setuptools, an attribute in src": (
        TOOLS + ATTRIBUTE,
        {"src/demo.py": "import os\n__version__ = '1.0'\n"},
        A,
        ("pyproject.toml", 3),
    ),
    "setuptools, an attribute of setup.cfg": (
        TOOLS,
        {
            "setup.cfg": "[metadata]\nversion = attr: demo.V\n[options]\npackage_dir =\n  =./lib\n",
            "lib/demo/__init__.py": "V = (1, 0)\n",
        },
        A,
        ("pyproject.toml", 3),
    ),
    "flit, a version that is a literal": (
        FLIT_DYNAMIC,
        {"demo/__init__.py": "'''Demo.'''\n__version__ = '1.0'\n"},
        A,
        ("pyproject.toml", 3),
    ),
    "flit, a version in a file beside": (
        FLIT_DYNAMIC,
        {
            "src/demo/__init__.py": "'''Demo.'''\nfrom ._version import *\n",
            "src/demo/_version.py": "__version__ = '1'\n",
        },
        A,
        ("pyproject.toml", 3),
    ),
    "a setup.py that nobody runs": (FLIT, {"setup.py": "print()\n"}, A, ("pyproject.toml", 3)),
    "a hatch_build.py that nobody names": (HATCH, {"hatch_build.py": "print()\n"}, A, ("pyproject.toml", 3)),
    "hatch, the hook that writes a version": (
        HATCH + "[tool.hatch.build.hooks.version]\npath = 'v.py'\n",
        {},
        A,
        ("pyproject.toml", 3),
    ),
    # B
    "hatch-vcs": (
        system("hatchling.build", "hatchling", "hatch-vcs", more="[tool.hatch.version]\nsource = 'vcs'\n"),
        {},
        B,
        ("pyproject.toml", 2),
    ),
    "hatch, a plugin's hook": (
        HATCH + "[tool.hatch.build.targets.wheel.hooks.jupyter-builder]\n",
        {},
        B,
        ("pyproject.toml", 4),
    ),
    "setuptools-scm": (
        system("setuptools.build_meta", "setuptools", "setuptools_scm[toml]>=8"),
        {},
        B,
        ("pyproject.toml", 2),
    ),
    "setuptools-scm, asked for by setup.py": (
        TOOLS,
        {"setup.py": "from setuptools import setup\nsetup(use_scm_version=True)\n"},
        B,
        ("setup.py", 2),
    ),
    "poetry-dynamic-versioning": (
        system("poetry_dynamic_versioning.backend", "poetry-core", "poetry-dynamic-versioning"),
        {},
        B,
        ("pyproject.toml", 3),
    ),
    "a compiler in requires": (system("setuptools.build_meta", "setuptools", "numpy"), {}, B, ("pyproject.toml", 2)),
    # C, setup.py
    "no pyproject": (None, {"setup.py": TRIVIAL}, SETUP, ("setup.py", None)),
    "nothing at all": (None, {}, SETUP, ("setup.py", None)),
    "no build-system": ("[tool.black]\n", {"setup.py": TRIVIAL}, SETUP, ("pyproject.toml", None)),
    "no build-backend": ('[build-system]\nrequires = ["setuptools"]\n', {}, SETUP, ("pyproject.toml", 1)),
    "the legacy backend": (system("setuptools.build_meta:__legacy__", "setuptools"), {}, SETUP, ("pyproject.toml", 3)),
    "setup.py that does more": (TOOLS, {"setup.py": "import os\n" + TRIVIAL}, SETUP, ("setup.py", 1)),
    # C, own code
    "an in-tree backend": (FLIT + 'backend-path = ["."]\n', {}, OWN, ("pyproject.toml", 4)),
    "an unknown backend": (system("evil.build", "evil"), {}, OWN, ("pyproject.toml", 3)),
    "a known backend's other object": (system("hatchling.build:other", "hatchling"), {}, OWN, ("pyproject.toml", 3)),
    "setuptools' other object": (system("setuptools.build_meta:other", "setuptools"), {}, OWN, ("pyproject.toml", 3)),
    "maturin": (system("maturin", "maturin"), {}, OWN, ("pyproject.toml", 3)),
    "meson-python": (system("mesonpy", "meson-python"), {}, OWN, ("pyproject.toml", 3)),
    "scikit-build-core": (system("scikit_build_core.build", "scikit-build-core"), {}, OWN, ("pyproject.toml", 3)),
    "a requirement from an address": (
        system("hatchling.build", "hatchling @ https://index.example/h.whl"),
        {},
        OWN,
        ("pyproject.toml", 2),
    ),
    "cmdclass in pyproject": (
        TOOLS + "[tool.setuptools.cmdclass]\nbuild_py = 'demo.Build'\n",
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "ext-modules in pyproject": (
        TOOLS + "[[tool.setuptools.ext-modules]]\nname = 'demo.x'\nsources = ['x.c']\n",
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "commands from a package": (
        TOOLS + "[tool.distutils.global]\ncommand-packages = 'demo'\n",
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "setuptools-rust": (TOOLS + "[[tool.setuptools-rust.ext-modules]]\n", {}, OWN, ("pyproject.toml", 4)),
    "setup_requires": (TOOLS, {"setup.cfg": "[options]\nsetup_requires = evil\n"}, OWN, ("setup.cfg", 2)),
    "cmdclass in setup.cfg": (
        TOOLS,
        {"setup.cfg": "[options]\ncmdclass =\n  build_py = demo.Build\n"},
        OWN,
        ("setup.cfg", 2),
    ),
    "an attribute that is computed": (
        TOOLS + ATTRIBUTE,
        {"demo/__init__.py": "__version__ = compute()\n"},
        OWN,
        ("pyproject.toml", 5),
    ),
    "an attribute that is a literal, and a setuptools that runs the module": (
        system("setuptools.build_meta", "setuptools==45.0", more=ATTRIBUTE),
        {"demo.py": "__version__ = '1.0'\n"},
        OWN,
        ("pyproject.toml", 5),
    ),
    "a version beside, and a flit that does not look there": (
        FLIT_DYNAMIC.replace('"flit_core"', '"flit_core>=3.2,<3.4"'),
        {"demo/__init__.py": "'Demo.'\n", "demo/_version.py": "__version__ = '1'\n"},
        OWN,
        ("pyproject.toml", 6),
    ),
    "an attribute of a module that is not there": (TOOLS + ATTRIBUTE, {}, OWN, ("pyproject.toml", 5)),
    "an attribute of two modules": (
        TOOLS + ATTRIBUTE,
        {"demo.py": "__version__ = '1.0'\n", "src/demo.py": "__version__ = f()\n"},
        OWN,
        ("pyproject.toml", 5),
    ),
    "an attribute of setup.cfg that is computed": (
        TOOLS,
        {"setup.cfg": "[metadata]\nversion = attr:demo.V\n", "demo.py": "V = f()\n"},
        OWN,
        ("setup.cfg", 2),
    ),
    "flit, a version that is computed": (
        FLIT_DYNAMIC,
        {"demo.py": "'''Demo.'''\n__version__ = f()\n"},
        OWN,
        ("pyproject.toml", 6),
    ),
    "flit, no docstring": (FLIT_DYNAMIC, {"demo.py": "__version__ = '1'\n"}, OWN, ("pyproject.toml", 6)),
    "scm with a function": (
        system("setuptools.build_meta", "setuptools-scm", more="[tool.setuptools_scm]\nversion_scheme = 'evil:f'\n"),
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "versioningit with a module": (
        HATCH + "[tool.versioningit.vcs]\nmethod = {module = 'evil', value = 'f', module-dir = '.'}\n",
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "hatch-vcs with a function": (
        HATCH + "[tool.hatch.version]\nsource = 'vcs'\n[tool.hatch.version.raw-options]\nlocal_scheme = 'evil:f'\n",
        {},
        OWN,
        ("pyproject.toml", 6),
    ),
    "hatch, a custom hook": (HATCH + "[tool.hatch.build.hooks.custom]\n", {}, OWN, ("pyproject.toml", 4)),
    "hatch, a custom hook of a target": (
        HATCH + "[tool.hatch.build.targets.wheel.hooks.custom]\npath = 'x.py'\n",
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "hatch, a custom metadata hook": (HATCH + "[tool.hatch.metadata.hooks.custom]\n", {}, OWN, ("pyproject.toml", 4)),
    "hatch, a custom hook, inline": (
        HATCH + "[tool.hatch.build]\nhooks = {custom = {}}\n",
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "hatch, a custom hook in hatch.toml": (HATCH, {"hatch.toml": "[build.hooks.custom]\n"}, OWN, ("hatch.toml", 1)),
    "hatch, a custom builder": (HATCH + "[tool.hatch.build.targets.custom]\n", {}, OWN, ("pyproject.toml", 4)),
    "hatch, a version by code": (
        HATCH + "[tool.hatch.version]\nsource = 'code'\npath = 'demo.py'\n",
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "poetry, a script": (
        system("poetry.core.masonry.api", "poetry-core", more="[tool.poetry.build]\nscript = 'build.py'\n"),
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "poetry, a script in the old way": (
        system("poetry.core.masonry.api", "poetry-core", more="[tool.poetry]\nbuild = 'build.py'\n"),
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "pdm, its hook": (system("pdm.backend", "pdm-backend"), {"pdm_build.py": ""}, OWN, ("pdm_build.py", None)),
    "pdm, another hook": (
        system("pdm.backend", "pdm-backend", more="[tool.pdm.build]\ncustom-hook = 'x.py'\n"),
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "pdm, setuptools": (
        system("pdm.backend", "pdm-backend", more="[tool.pdm.build]\nrun-setuptools = true\n"),
        {},
        OWN,
        ("pyproject.toml", 5),
    ),
    "pdm, a version by a call": (
        system("pdm.backend", "pdm-backend", more="[tool.pdm.version]\nsource = 'call'\ngetter = 'demo:f'\n"),
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
    "pdm, a version formatted by a function": (
        system("pdm.backend", "pdm-backend", more="[tool.pdm.version]\nsource = 'scm'\nversion_format = 'demo:f'\n"),
        {},
        OWN,
        ("pyproject.toml", 4),
    ),
}


@pytest.mark.parametrize("what", CLASSES)
def test_class_and_first_clue(what: str) -> None:
    pyproject, files, kind, place = CLASSES[what]
    found = read(an_sdist(pyproject=pyproject, files=files))
    assert found.faults == ()
    assert found.kind is kind
    assert (found.clues[0].file, found.clues[0].line) == place


@pytest.mark.parametrize(("name", "kind"), [("setup.py", SETUP), ("setup.cfg", SETUP)])
@pytest.mark.parametrize("link", [symlink, hard_link])
def test_a_link_for_a_build_file_is_not_trusted(name: str, kind: BuildKind, link: Any) -> None:
    target = "x" if link is symlink else "demo-1.0/x"
    content = tar_gz(*sdist_parts(pyproject=TOOLS), a_file("x"), link(f"demo-1.0/{name}", target))
    assert read(content).kind is kind


def test_a_link_for_hatch_toml_is_not_trusted() -> None:
    content = tar_gz(*sdist_parts(pyproject=HATCH), a_file("x"), symlink("demo-1.0/hatch.toml", "x"))
    assert read(content).kind is OWN


def test_a_module_that_is_a_link_is_not_trusted() -> None:
    content = tar_gz(
        *sdist_parts(pyproject=TOOLS + ATTRIBUTE, files={"x.py": "__version__ = '1'"}),
        symlink("demo-1.0/demo.py", "x.py"),
    )
    assert read(content).kind is OWN
