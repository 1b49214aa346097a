"""Declarations that look harmless and lead a build to code of the sdist's own, as the real backends have it.

Beside them stand the honest cases that must stay in their class.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest

from safepip.formats.sdist import read_sdist
from safepip.model.ident import FileName
from safepip.model.sdist import BuildKind, SdistContents
from tests.archives.badsdists import system
from tests.archives.rawtar import an_sdist, sdist_parts, symlink, tar_gz

A, B, SETUP, OWN = BuildKind.DECLARATIVE, BuildKind.PLUGINS, BuildKind.NEEDS_SETUP_PY, BuildKind.OWN_CODE
TOOLS = system("setuptools.build_meta", "setuptools")
HATCH = system("hatchling.build", "hatchling")
POETRY = system("poetry.core.masonry.api", "poetry-core")
PDM = system("pdm.backend", "pdm-backend")
SCM = system("setuptools.build_meta", "setuptools", "setuptools-scm") + "[tool.setuptools_scm]\n"
ATTRIBUTE = '[tool.setuptools.dynamic]\nversion = {attr = "demo.__version__"}\n'
ATTRIBUTE_CFG = "[metadata]\nversion = attr: demo.__version__\n"
LITERAL, CODE = "__version__ = '1.0'\n", "__version__ = str('1.0')\n"
# What stands where one would look first, and what the backend reads instead.
DECOY = {"demo/__init__.py": LITERAL, "lib/__init__.py": CODE, "lib/demo/__init__.py": CODE}
HONEST = {"lib/demo/__init__.py": LITERAL}
FIND = TOOLS + ATTRIBUTE + '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'
FIND_CFG = "[options]\npackages = find:\n[options.packages.find]\nwhere = lib\n"

Case = tuple[str, Mapping[str, str], BuildKind]
CASES: dict[str, Case] = {
    "where packages are found": (FIND, DECOY, OWN),
    "where packages are found, honest": (FIND, HONEST, A),
    "where packages are found, by setup.cfg": (TOOLS + ATTRIBUTE, {**DECOY, "setup.cfg": FIND_CFG}, OWN),
    "where packages are found, by setup.cfg alone": (TOOLS, {**DECOY, "setup.cfg": ATTRIBUTE_CFG + FIND_CFG}, OWN),
    "where packages are found, by setup.cfg, honest": (TOOLS + ATTRIBUTE, {**HONEST, "setup.cfg": FIND_CFG}, A),
    "package_dir in setup.py": (
        TOOLS + ATTRIBUTE,
        {**DECOY, "setup.py": "from setuptools import setup\nsetup(package_dir={'demo': 'lib'})\n"},
        OWN,
    ),
    "package_dir in setup.py, the attribute in setup.cfg": (
        TOOLS,
        {
            **DECOY,
            "setup.py": "import setuptools\nsetuptools.setup(package_dir={'': 'lib'})\n",
            "setup.cfg": ATTRIBUTE_CFG,
        },
        OWN,
    ),
    "package_dir in setup.cfg": (
        TOOLS + ATTRIBUTE,
        {**DECOY, "setup.cfg": "[options]\npackage_dir =\n  demo = lib\n"},
        OWN,
    ),
    "package_dir of a package in a package": (
        TOOLS + ATTRIBUTE.replace("demo.", "demo.sub.") + '[tool.setuptools.package-dir]\n"demo.sub" = "lib"\n',
        {"demo/sub/__init__.py": LITERAL, "lib/__init__.py": CODE},
        OWN,
    ),
    "package_dir that climbs": (
        TOOLS + ATTRIBUTE + '[tool.setuptools.package-dir]\n"" = "demo/../lib"\n',
        DECOY,
        OWN,
    ),
    "package_dir that is absolute": (
        TOOLS + ATTRIBUTE + '[tool.setuptools.package-dir]\n"" = "/proc/self/cwd/lib"\n',
        DECOY,
        OWN,
    ),
    "a carriage return in setup.cfg": (
        TOOLS,
        {"demo.py": CODE, "setup.cfg": "[metadata]\n# harmless\rversion = attr: demo.__version__\n"},
        OWN,
    ),
    "an alias in pyproject.toml": (TOOLS + '[tool.distutils.aliases]\ndist_info = "install dist_info"\n', {}, OWN),
    "an alias in setup.cfg": (TOOLS, {"setup.cfg": "[aliases]\ndist_info = install dist_info\n"}, OWN),
    "an alias of no command that builds": (TOOLS, {"setup.cfg": "[aliases]\ntest = pytest\n"}, A),
    "code is built into another place": (TOOLS, {"setup.cfg": "[build]\nbuild_lib = /usr/lib/python3\n"}, OWN),
    "code is built into another place, by pyproject.toml": (
        TOOLS + '[tool.distutils.build_py]\nbuild-lib = "../x"\n',
        {},
        OWN,
    ),
    "code is built inside": (TOOLS, {"setup.cfg": "[build]\nbuild_base = build/x\n[egg_info]\negg_base = src\n"}, A),
    "what building does, plainly": (
        TOOLS,
        {"setup.cfg": "[egg_info]\ntag_build =\ntag_date = 0\n[bdist_wheel]\nuniversal = 1\n[install]\nprefix=/usr\n"},
        A,
    ),
    "scm writes the module that is read": (
        SCM + "version_file = 'demo/_v.py'\nversion_file_template = 'x'\n" + ATTRIBUTE,
        {"demo/__init__.py": LITERAL},
        OWN,
    ),
    "scm writes a module in its own words": (
        SCM + "version_file = 'demo/__init__.py'\n" + ATTRIBUTE,
        {"demo/__init__.py": LITERAL},
        B,
    ),
    "hatch, what a target depends on, from an address": (
        HATCH + '[tool.hatch.build.targets.wheel]\ndependencies = ["evil @ https://evil.example/evil.tar.gz"]\n',
        {},
        OWN,
    ),
    "hatch, what the build depends on": (HATCH + '[tool.hatch.build]\ndependencies = ["evil"]\n', {}, B),
    "hatch, what the build depends on, plain": (HATCH + '[tool.hatch.build]\ndependencies = ["packaging"]\n', {}, A),
    "hatch, what the build depends on, no requirement": (HATCH + "[tool.hatch.build]\ndependencies = ['@']\n", {}, OWN),
    "hatch, what a hook depends on": (
        HATCH + "[tool.hatch.build.hooks.version]\npath = 'v.py'\ndependencies = ['evil']\n",
        {},
        B,
    ),
    "hatch, what a hook of a target depends on, in hatch.toml": (
        HATCH,
        {"hatch.toml": "[build.targets.wheel.hooks.version]\npath = 'v.py'\ndependencies = ['evil']\n"},
        B,
    ),
    "hatch, with what the project requires": (
        HATCH + "[tool.hatch.build.targets.wheel]\nrequire-runtime-dependencies = true\n",
        {},
        B,
    ),
    "hatch, a version written elsewhere": (HATCH + "[tool.hatch.build.hooks.version]\npath = '/etc/x.pth'\n", {}, OWN),
    "hatch, a version written inside": (HATCH + "[tool.hatch.build.hooks.version]\npath = 'src/v.py'\n", {}, A),
    "hatch, a hook for scripts": (
        HATCH + "[[tool.hatch.build.hooks.build-scripts.scripts]]\ncommands = ['sh x']\n",
        {},
        OWN,
    ),
    "poetry, a checkout": (POETRY, {".git/config": "[core]\nfsmonitor = sh x\n"}, OWN),
    "poetry, a checkout that lies elsewhere": (POETRY, {".git": "gitdir: x\n"}, OWN),
    "poetry, a checkout of nothing else": (POETRY, {"HEAD": "", "config": "", "objects/x": "", "refs/x": ""}, OWN),
    "poetry, what git ignores": (POETRY, {".gitignore": "x\n", ".gitattributes": "", ".github/x.yml": ""}, A),
    "flit asks no git": (system("flit_core.buildapi", "flit_core"), {".git/config": ""}, A),
    "scm, a checkout": (SCM, {".git/config": "[core]\nfsmonitor = sh x\n"}, OWN),
    "scm, a checkout of Mercurial, below": (SCM, {"sub/.hg/hgrc": "[hooks]\n"}, OWN),
    "scm, a version written over setup.py": (SCM + "version_file = './Setup.py'\n", {}, OWN),
    "scm, a version written outside": (SCM + "write_to = 'x/../../y.py'\n", {}, OWN),
    "scm, a version written inside": (SCM + "write_to = 'src/demo/_version.py'\n", {}, B),
    "scm, a function in a list of schemes": (SCM + "version_scheme = ['demo:f', 'post-release']\n", {}, OWN),
    "pdm, a version written outside": (PDM + "[tool.pdm.version]\nsource = 'scm'\nwrite_to = '/tmp/x.py'\n", {}, OWN),
    "pdm, a version written inside": (PDM + "[tool.pdm.version]\nsource = 'scm'\nwrite_to = 'demo/_v.py'\n", {}, A),
    "pdm, its hook in another spelling": (PDM, {"PDM_Build.py": ""}, OWN),
    "a template that can run code": (
        system("poetry_dynamic_versioning.backend", "poetry-core", "poetry-dynamic-versioning")
        + "[tool.poetry-dynamic-versioning]\nformat-jinja = '{{ cycler }}'\n",
        {},
        OWN,
    ),
    "a plugin that writes setup.py": (
        system("poetry_dynamic_versioning.backend", "poetry-core", "poetry-dynamic-versioning")
        + "[tool.poetry-dynamic-versioning.files.'setup.py']\ninitial-content = 'x'\n",
        {},
        OWN,
    ),
}


def read(content: bytes) -> SdistContents:
    return read_sdist(io.BytesIO(content), FileName.parse("demo-1.0.tar.gz"))


@pytest.mark.parametrize("what", CASES)
def test_class(what: str) -> None:
    pyproject, files, kind = CASES[what]
    found = read(an_sdist(pyproject=pyproject, files=files))
    assert found.faults == ()
    assert found.kind is kind


@pytest.mark.parametrize(
    ("link", "more"), [("src", ""), ("place", '[tool.setuptools]\npackage-dir = {"" = "place"}\n')]
)
def test_a_module_behind_a_link_is_not_trusted(link: str, more: str) -> None:
    """What stands at the top is harmless, and setuptools follows the link."""
    parts = sdist_parts(pyproject=TOOLS + ATTRIBUTE + more, files=DECOY)
    assert read(tar_gz(*parts, symlink(f"demo-1.0/{link}", "lib"))).kind is OWN


def test_a_link_beside_the_module_matters_not() -> None:
    parts = sdist_parts(pyproject=TOOLS + ATTRIBUTE, files={"demo/__init__.py": LITERAL, "lib/x": ""})
    assert read(tar_gz(*parts, symlink("demo-1.0/docs", "lib"))).kind is A


def test_what_is_harmless_is_no_evidence_of_what_is_not() -> None:
    own = read(an_sdist(pyproject=TOOLS, files={"setup.py": "import os\n"}))
    assert own.kind is SETUP
    assert [clue.what for clue in own.clues] == ["an import that is not setuptools'"]
    plugins = read(an_sdist(pyproject=system("setuptools.build_meta", "setuptools", "evil")))
    assert [clue.what for clue in plugins.clues][-1] == "the backend setuptools.build_meta reads what is declared"
