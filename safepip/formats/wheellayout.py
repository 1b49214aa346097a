"""What the members of a wheel may be and where they may go; docs/checks/archive.md has every code.

`safepip.formats.ziparchive` has judged the archive and each name by itself before; here a name has a meaning.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator

from safepip.errors import Malformed
from safepip.formats.membername import shown
from safepip.formats.placement import Placed, is_data
from safepip.model.contents import SCHEMES, Fault
from safepip.model.ident import ProjectName, parse_version

# pip unpacks X.data/purelib/ and its like beside the .dist-info: one in there would be another distribution's identity.
# What setuptools left instead of a .dist-info is an identity too, and an .egg-link even adds to the search path.
_EGG = re.compile(r"[^/]*\.egg(?:-info|-link)?", re.IGNORECASE | re.DOTALL)
_DIST_INFO = re.compile(r"[^/]*\.dist-info", re.IGNORECASE | re.DOTALL)
_INSTALLERS_OWN = frozenset({
    "installer", "requested", "direct_url.json", "provenance_url.json", "safepip.json", "uv_cache.json",
})  # fmt: skip
# pip and safepip read the environment's own configuration from there: an index of the wheel's choice, from then on.
_CONFIGURATION = frozenset({"pip.conf", "pip.ini"})
# Whose module it is judges and installs everything else; each belongs to the project of its name.
_INSTALLERS = frozenset({"pip", "safepip"})
_MODULE = re.compile(r"([^/.]+)(?:/.*|(?:\.[^/]*)?\.(?:py|pyw|pyc|so|pyd))", re.IGNORECASE | re.DOTALL)
# Beside the modules, while an installation is under way, lies what would undo it.
_SAFEPIPS_OWN = re.compile(r"[.~]safepip(?:-[^/]*)?", re.IGNORECASE | re.DOTALL)
_INTERPRETER = re.compile(
    r"(?:python|pypy)w?(?:\d[\d.]*t?)?(?:_d)?(?:\.exe|\.dll|\._pth)?|pyvenv\.cfg|pybuilddir\.txt", re.IGNORECASE
)
_SHARED_LIBRARY = re.compile(r"lib(?:32|64)?/lib(?:python|pypy)\d[^/]*|dlls/[^/]*", re.IGNORECASE)
# The library of an interpreter, as a folder or as the archive that is searched before it.
_STANDARD = re.compile(
    r"(?:local/)?lib(?:32|64)?/(?:python|pypy)\d[\d.]*t?/(?!(?:site|dist)-packages/).*"
    r"|(?:lib(?:32|64)?/)?python\d+t?\.zip",
    re.IGNORECASE | re.DOTALL,
)
_STANDARD_MODULES = {name.lower() for name in sys.stdlib_module_names} | {"sitecustomize", "usercustomize"}
_WINDOWS_MODULE = re.compile(r"lib/([^./]+)(?:/.*)?\.(?:py|pyc|pyd|pyw)", re.IGNORECASE | re.DOTALL)
# PEP 552, the second word of byte code: it goes with a digest of its source, and not with its time.
_BY_DIGEST = 0b01
_CACHED = re.compile(r"(?P<folder>(?:.*/)?)__pycache__/(?P<stem>[^/]+?)\.[^/.]+(?:\.opt-[^/.]+)?\.pyc", re.DOTALL)


def data_faults(paths: Iterable[str], dist_info: Collection[str]) -> Iterator[Fault]:
    """`X.data/` is there once, belongs to the .dist-info folder, and has nothing in it but the known schemes."""
    tops: dict[str, None] = {}
    for path in paths:
        top, _, rest = path.partition("/")
        if not top.lower().endswith(".data"):
            continue
        tops[top] = None
        scheme, _, place = rest.partition("/")
        if is_data(path) and (scheme not in SCHEMES or not place):
            text = f"{shown(path)} lies in no known folder of .data; there are {', '.join(SCHEMES)}"
            yield Fault(code="data-scheme", message=text)
    for top in tops:
        if len(tops) > 1 or not any(_belongs(top, one) for one in dist_info):
            yield Fault(code="data-folder", message=f"{shown(top)} is not the .data folder of this wheel's .dist-info")


def _belongs(data: str, dist_info: str) -> bool:
    """Whether both are of one project and version, however these are spelt."""
    if not data.endswith(".data") or not dist_info.endswith(".dist-info"):
        return False
    stems = (data.removesuffix(".data"), dist_info.removesuffix(".dist-info"))
    try:
        mine, other = [
            (ProjectName.parse(name), parse_version(version))
            for name, _, version in (one.partition("-") for one in stems)
        ]
    except Malformed:
        return stems[0] == stems[1]
    return mine == other


def place_faults(members: Iterable[Placed], dist_info: Collection[str]) -> Iterator[Fault]:
    """Members that would be an identity of their own, an installer's files, or a part of the interpreter."""
    for one in members:
        yield from _identity(one, dist_info)
        if _is_installers(one) or _is_an_installer(one, dist_info):
            text = f"{shown(one.path)} would be taken for a file of pip's or safepip's own"
            yield Fault(code="installers-own", message=text)
        elif _is_interpreter(one):
            yield Fault(code="interpreter", message=f"{shown(one.path)} would take the place of the interpreter's own")
        elif _is_standard(one):
            text = f"{shown(one.path)} would take the place of a part of the standard library"
            yield Fault(code="standard-library", message=text)


def program_faults(names: Iterable[str]) -> Iterator[Fault]:
    """Programs made from entry points that Python would read, or others would run, as the interpreter's own."""
    for name in names:
        if _INTERPRETER.fullmatch(name):
            text = f"the script {shown(name)} would take the place of the interpreter's own"
            yield Fault(code="interpreter", message=text)


def _identity(one: Placed, dist_info: Collection[str]) -> Iterator[Fault]:
    place = one.at_start
    if place is None:
        return
    top, _, rest = place.partition("/")
    if _EGG.fullmatch(top):
        text = f"{shown(one.path)} is egg metadata, which is a second identity"
        yield Fault(code="second-identity", message=text)
    elif _DIST_INFO.fullmatch(top) and (one.path != one.place or top not in dist_info):
        text = f"{shown(one.path)} is a second .dist-info folder among the wheel's data"
        yield Fault(code="second-identity", message=text)
    elif _DIST_INFO.fullmatch(top) and rest.lower() in _INSTALLERS_OWN:
        yield Fault(code="installers-own", message=f"{shown(one.path)} is a file that only an installer writes")


def _is_installers(one: Placed) -> bool:
    if one.scheme == "data" and one.place.lower() in _CONFIGURATION:
        return True
    return one.in_library is not None and _SAFEPIPS_OWN.fullmatch(one.in_library.partition("/")[0]) is not None


def _is_an_installer(one: Placed, dist_info: Collection[str]) -> bool:
    """Whether it is a module of pip or safepip that another project brings."""
    module = _MODULE.fullmatch(one.at_start or "")
    name = module[1].lower() if module is not None else ""
    return name in _INSTALLERS and not all(folder.partition("-")[0].lower() == name for folder in dist_info)


def _is_interpreter(one: Placed) -> bool:
    if one.program is not None and _INTERPRETER.fullmatch(one.program):
        return True
    at_top = "/" not in one.place and "." in one.place and _INTERPRETER.fullmatch(one.place)
    return one.scheme == "data" and bool(at_top or _SHARED_LIBRARY.fullmatch(one.place))


def _is_standard(one: Placed) -> bool:
    if one.scheme != "data":
        return False
    module = _WINDOWS_MODULE.fullmatch(one.place)
    return _STANDARD.fullmatch(one.place) is not None or (
        module is not None and module[1].lower() in _STANDARD_MODULES and one.in_library is None
    )


def _destination(one: Placed) -> tuple[str, str]:
    """Where it goes, whatever the way. As it is spelt: `Demo.py` is no source of `demo.pyc` where case counts."""
    if one.in_library is not None:
        return ("library", one.in_library)
    if one.program is not None:
        return ("program", one.program)
    return (one.scheme, one.place)


def bytecode_faults(members: Collection[Placed], head: Callable[[str], bytes]) -> Iterator[Fault]:
    """Byte code that Python would run whatever the source beside it says. `head`: the first bytes of a member.

    What goes by the time of its source is none: an installer gives that another one. A digest says which source the
    byte code is to stand for, and nothing of what it does: whoever has the source can write it before any code.
    """
    compiled = [one for one in members if one.place.lower().endswith((".pyc", ".pyo"))]
    if not compiled:
        return
    places = {_destination(one) for one in members}
    for one in compiled:
        source = _destination(Placed(one.path, one.scheme, _source(one.place)))
        if source not in places:
            text = f"{shown(one.path)} is byte code of a module whose source is not in the wheel"
            yield Fault(code="orphan-byte-code", message=text)
        elif int.from_bytes(head(one.path)[4:8], "little") & _BY_DIGEST:
            text = f"{shown(one.path)} is byte code that Python runs in place of its source, whatever that says"
            yield Fault(code="unchecked-byte-code", message=text)


def _source(place: str) -> str:
    cached = _CACHED.fullmatch(place)
    return f"{cached['folder']}{cached['stem']}.py" if cached is not None else f"{place[:-1]}"
