"""Sdists of `demo` 1.0 that are malformed, each with the code that it must get, and what they are made with."""

from __future__ import annotations

from tests.archives.rawtar import (
    FLIT,
    an_sdist,
    file,
    folder,
    hard_link,
    pax,
    pkg_info,
    sdist_parts,
    symlink,
    tar_gz,
)


def parts(*without: str) -> tuple[bytes, ...]:
    """The members of a sound sdist, but for some."""
    return tuple(
        one for one in sdist_parts() if not any(one.startswith(f"demo-1.0/{name}\0".encode()) for name in without)
    )


SYSTEM = '[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{backend}"\n'


def system(backend: str, *requires: str, more: str = "") -> str:
    return SYSTEM.format(requires='", "'.join(requires), backend=backend) + more


def a_file(path: str, content: bytes = b"") -> bytes:
    return file(f"demo-1.0/{path}", content)


MALFORMED: dict[str, tuple[bytes, str]] = {
    "a broken archive": (b"rubbish", "tar-gzip"),
    "nothing inside": (tar_gz(), "sdist-top"),
    "two top folders": (an_sdist(file("other/a")), "sdist-top"),
    "a file beside the top folder": (an_sdist(file("setup.py")), "sdist-top"),
    "a hidden file beside the top folder": (an_sdist(file("._demo-1.0")), "sdist-top"),
    "a file instead of the top folder": (tar_gz(file("demo-1.0")), "sdist-top"),
    "a link instead of the top folder": (tar_gz(symlink("demo-1.0", "x")), "sdist-top"),
    "the top folder of another project": (an_sdist(top="other-1.0"), "sdist-top"),
    "the top folder of another version": (an_sdist(top="demo-1.1"), "sdist-top"),
    "a top folder without a version": (an_sdist(top="demo"), "sdist-top"),
    "a top folder that is no name": (an_sdist(top="demo 1-x"), "sdist-top"),
    "no PKG-INFO": (tar_gz(*parts("PKG-INFO")), "sdist-metadata"),
    "PKG-INFO is a folder": (tar_gz(*parts("PKG-INFO"), folder("demo-1.0/PKG-INFO")), "sdist-metadata"),
    "PKG-INFO is a link": (
        tar_gz(*parts("PKG-INFO"), a_file("x", pkg_info().encode()), symlink("demo-1.0/PKG-INFO", "x")),
        "sdist-metadata",
    ),
    "PKG-INFO is a hard link": (
        tar_gz(*parts("PKG-INFO"), a_file("x", pkg_info().encode()), hard_link("demo-1.0/PKG-INFO", "demo-1.0/x")),
        "sdist-metadata",
    ),
    "PKG-INFO twice": (an_sdist(a_file("PKG-INFO", pkg_info().encode())), "name-duplicate"),
    "PKG-INFO twice, by a pax name": (
        an_sdist(pax({"path": "demo-1.0/PKG-INFO"}), a_file("PKG-INFO", pkg_info("evil").encode())),
        "name-duplicate",
    ),
    "PKG-INFO in another case": (tar_gz(*parts("PKG-INFO"), a_file("pkg-info", pkg_info().encode())), "sdist-spelling"),
    "PKG-INFO of another project": (an_sdist(info=pkg_info("other")), "sdist-metadata"),
    "PKG-INFO of another version": (an_sdist(info=pkg_info("demo", "1.1")), "sdist-metadata"),
    "PKG-INFO with two names": (an_sdist(info=pkg_info("demo", "1.0", "Name: evil")), "sdist-metadata"),
    "PKG-INFO without a name": (an_sdist(info="Metadata-Version: 2.2\nVersion: 1.0\n"), "sdist-metadata"),
    "PKG-INFO with a bad version": (an_sdist(info=pkg_info("demo", "one")), "sdist-metadata"),
    "PKG-INFO without its own version": (an_sdist(info="Name: demo\nVersion: 1.0\n"), "sdist-metadata"),
    "PKG-INFO with two versions of its own": (
        an_sdist(info=pkg_info("demo", "1.0", "Metadata-Version: 1.0")),
        "sdist-metadata",
    ),
    "PKG-INFO of a version that is none": (an_sdist(info=pkg_info(stated="two")), "sdist-metadata"),
    "PKG-INFO with a dynamic name": (an_sdist(info=pkg_info("demo", "1.0", "Dynamic: Name")), "sdist-metadata"),
    "PKG-INFO with a dynamic version": (an_sdist(info=pkg_info("demo", "1.0", "Dynamic: version")), "sdist-metadata"),
    "PKG-INFO that promises rubbish": (
        an_sdist(info=pkg_info("demo", "1.0", "Requires-Dist: not a requirement")),
        "sdist-metadata",
    ),
    "PKG-INFO that is empty": (an_sdist(info=""), "sdist-metadata"),
    "PKG-INFO that is huge": (an_sdist(info=pkg_info() + "x" * 17_000_000), "too-large"),
    "pyproject is not TOML": (an_sdist(pyproject="[build-system\n"), "sdist-pyproject"),
    "pyproject is not UTF-8": (an_sdist(pyproject=b"# \xff\n"), "sdist-pyproject"),
    "pyproject is a link": (
        tar_gz(*parts("pyproject.toml"), a_file("x", FLIT.encode()), symlink("demo-1.0/pyproject.toml", "x")),
        "sdist-pyproject",
    ),
    "pyproject is a hard link": (
        tar_gz(*parts("pyproject.toml"), a_file("x"), hard_link("demo-1.0/pyproject.toml", "demo-1.0/x")),
        "sdist-pyproject",
    ),
    "pyproject is a folder": (tar_gz(*parts("pyproject.toml"), folder("demo-1.0/pyproject.toml")), "sdist-pyproject"),
    "pyproject in another case": (tar_gz(*parts("pyproject.toml"), a_file("PyProject.toml")), "sdist-spelling"),
    "setup.py in another case": (an_sdist(files={"Setup.py": "print()"}), "sdist-spelling"),
    "build-system without requires": (
        an_sdist(pyproject='[build-system]\nbuild-backend = "flit_core.buildapi"\n'),
        "sdist-pyproject",
    ),
    "build-system is no table": (an_sdist(pyproject="build-system = 1\n"), "sdist-pyproject"),
    "requires is a text": (an_sdist(pyproject='[build-system]\nrequires = "flit_core"\n'), "sdist-pyproject"),
    "requires holds a number": (an_sdist(pyproject="[build-system]\nrequires = [1]\n"), "sdist-pyproject"),
    "requires holds rubbish": (an_sdist(pyproject='[build-system]\nrequires = ["a b"]\n'), "sdist-pyproject"),
    "build-backend is a list": (
        an_sdist(pyproject='[build-system]\nrequires = []\nbuild-backend = ["a"]\n'),
        "sdist-pyproject",
    ),
    "backend-path is a text": (
        an_sdist(pyproject='[build-system]\nrequires = []\nbackend-path = "."\n'),
        "sdist-pyproject",
    ),
    "project is no table": (an_sdist(pyproject="project = 1\n" + FLIT), "sdist-pyproject"),
    "pyproject of another project": (an_sdist(pyproject=FLIT + '[project]\nname = "other"\n'), "sdist-pyproject"),
    "pyproject of another version": (
        an_sdist(pyproject=FLIT + '[project]\nname = "demo"\nversion = "2"\n'),
        "sdist-pyproject",
    ),
    "pyproject with a version that is none": (
        an_sdist(pyproject=FLIT + '[project]\nname = "demo"\nversion = "x"\n'),
        "sdist-pyproject",
    ),
    "pyproject with a number for a version": (
        an_sdist(pyproject=FLIT + '[project]\nname = "demo"\nversion = 1.0\n'),
        "sdist-pyproject",
    ),
    "hatch.toml is not TOML": (
        an_sdist(pyproject=system("hatchling.build", "hatchling"), files={"hatch.toml": "["}),
        "sdist-pyproject",
    ),
    "setup.py that is huge": (an_sdist(files={"setup.py": "#" * 1_100_000}), "too-large"),
}
