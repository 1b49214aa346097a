"""Tell about the interpreter that runs this, as one JSON object.

    X -I -B probe_interpreter.py PACKAGING_FOLDER OLDEST

OLDEST is the oldest Python that our pip installs into ("3.10"); an older interpreter tells its version and no more,
because our `packaging` cannot be loaded there either.

`packaging` is loaded from the folder named, by location: the target may carry another copy, an old one, or a
hostile one, and its search path is not to decide how its own tags are computed.
"""
# pathlib is slow to import, and this program is waited for.
# ruff: noqa: PTH100, PTH113, PTH117, PTH118, PTH120, PTH123

from __future__ import annotations

import importlib.util
import json
import os
import site
import sys
import sysconfig

# Stands for the folder that `--prefix` or `--target` will name.
MOVED = os.path.join(os.path.abspath(os.sep), "MOVED")
_BASES = ("installed_base", "base", "installed_platbase", "platbase", "prefix", "exec_prefix", "userbase")


def load_packaging(folder: str) -> None:
    spec = importlib.util.spec_from_file_location(
        "packaging", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no packaging in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["packaging"] = module
    spec.loader.exec_module(module)


def in_virtual_environment() -> bool:
    return sys.prefix != sys.base_prefix


def sees_system_packages() -> bool:
    """Whether a virtual environment was made with `--system-site-packages` (PEP 405)."""
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as stream:
            lines = [line.partition("=") for line in stream]
    except OSError:
        return False
    return any(key.strip() == "include-system-site-packages" and value.strip() == "true" for key, _, value in lines)


def user_site() -> str | None:
    """The user's site folder, None where this interpreter would not look there (`-I` itself switches it off)."""
    if in_virtual_environment() and not sees_system_packages():
        return None
    if hasattr(os, "geteuid") and (os.geteuid() != os.getuid() or os.getegid() != os.getgid()):
        return None
    if not site.ENABLE_USER_SITE and not sys.flags.no_user_site:
        return None
    return site.getusersitepackages()


def externally_managed() -> str | None:
    """The marker of PEP 668, which virtual environments do not inherit."""
    if in_virtual_environment():
        return None
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return marker if os.path.isfile(marker) else None


def standard_library() -> list[str]:
    """The folders of its own modules; a virtual environment has those of its base."""
    base = {"platbase": sys.base_exec_prefix}
    return [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars=base)]


def scheme(name: str, base: str | None = None) -> dict[str, str]:
    """The folders of an installation scheme as pip chooses them (its `locations._sysconfig.get_scheme`).

    base: what takes the place of the prefix, for `--prefix` and for the home behind `--target`
    Headers go into a folder with the name of the project, below the one told here; virtual environments have their own.
    """
    moved = dict.fromkeys(_BASES, base) if base is not None else {}
    preferred = sysconfig.get_preferred_scheme(name)  # type: ignore[arg-type] # "prefix", "home" or "user"
    if base is not None and preferred in {"posix_local", "osx_framework_library"}:
        preferred = "posix_prefix"
    paths = sysconfig.get_paths(preferred, vars=moved)
    headers = paths["include"]
    if in_virtual_environment():
        # What was not said `get_paths` has filled in by now, in some versions: pip reads it back just so.
        above = moved.get("userbase" if name == "user" else "base", sys.prefix)
        headers = os.path.join(above, "include", "site", "python{}.{}".format(*sys.version_info))
    return {**{one: paths[one] for one in ("purelib", "platlib", "scripts", "data")}, "headers": headers}


def compiler() -> str:
    """The interpreter to byte-compile with: the one that a virtual environment was made from, where it can be told.

    Python 3.10 names the environment's own as its base; there the link that it is leads to the other, or its folder.
    """
    if not in_virtual_environment():
        return sys.executable
    inside = os.path.join(os.path.realpath(sys.prefix), "")
    usual = os.path.join(sys.base_exec_prefix, "bin", "python{}.{}".format(*sys.version_info))
    for found in (getattr(sys, "_base_executable", None), os.path.realpath(sys.executable), usual):
        if found and os.path.isabs(found) and os.path.isfile(found):
            folder = os.path.join(os.path.realpath(os.path.dirname(found)), "")
            if not folder.startswith(inside):
                return found
    return sys.executable


def describe() -> dict[str, object]:
    from packaging.markers import default_environment
    from packaging.tags import sys_tags

    return {
        "executable": sys.executable,
        "compiler": compiler(),
        "byte_code": [sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex()],
        "standard_library": standard_library(),
        "markers": default_environment(),
        "tags": [str(tag) for tag in sys_tags()],
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "paths": {name: sysconfig.get_paths()[name] for name in ("purelib", "platlib", "scripts", "data")},
        "schemes": {
            "default": scheme("prefix"),
            "user": scheme("user"),
            "prefix": scheme("prefix", MOVED),
            "home": scheme("home", MOVED),
        },
        "moved": MOVED,
        "search": list(sys.path),
        "user_site": user_site(),
        "externally_managed": externally_managed(),
    }


def main(packaging: str, oldest: str) -> None:
    version = sys.version.split()[0]
    if sys.version_info[:2] < tuple(int(part) for part in oldest.split(".")):
        json.dump({"python": version}, sys.stdout)
        return
    load_packaging(packaging)
    json.dump({"python": version, **describe()}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
