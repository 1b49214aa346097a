"""Wheels and sdists made in memory, as a good builder would: the same input gives the same bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from packaging.tags import parse_tag

STAMP = (2024, 1, 1, 0, 0, 0)
_STAMP_SECONDS = 1704067200


def metadata_text(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    extras: Iterable[str] = (),
    description: str = "",
) -> bytes:
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join(lines) + "\n" + (f"\n{description}\n" if description else "")).encode()


def wheel(
    name: str,
    version: str,
    *,
    tags: str = "py3-none-any",
    build: str = "",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    extras: Iterable[str] = (),
    files: Mapping[str, bytes] | None = None,
    entry_points: str = "",
    metadata: bytes | None = None,
    comment: bytes = b"",
) -> tuple[str, bytes]:
    """(file name, bytes). `files` defaults to one module; `metadata` replaces the METADATA that would be made."""
    escaped = name.replace("-", "_").replace(".", "_")
    dist_info = f"{escaped}-{version}.dist-info"
    if metadata is None:
        metadata = metadata_text(name, version, requires=requires, requires_python=requires_python, extras=extras)
    members = dict(files) if files is not None else {f"{escaped.lower()}.py": f"__version__ = {version!r}\n".encode()}
    members[f"{dist_info}/METADATA"] = metadata
    members[f"{dist_info}/WHEEL"] = _wheel_text(tags, build)
    if entry_points:
        members[f"{dist_info}/entry_points.txt"] = entry_points.encode()
    file_name = "-".join(part for part in (escaped, version, build, tags) if part) + ".whl"
    return file_name, _zipped(members, f"{dist_info}/RECORD", comment)


def _wheel_text(tags: str, build: str) -> bytes:
    pure = "true" if tags.endswith("-any") else "false"
    lines = ["Wheel-Version: 1.0", "Generator: safepip-tests 1", f"Root-Is-Purelib: {pure}"]
    lines += [f"Tag: {tag}" for tag in sorted(str(tag) for tag in parse_tag(tags))]
    lines += [f"Build: {build}"] if build else []
    return ("\n".join(lines) + "\n").encode()


def _zipped(members: Mapping[str, bytes], record: str, comment: bytes = b"") -> bytes:
    rows = [f"{path},sha256={_record_hash(content)},{len(content)}" for path, content in members.items()]
    complete = {**members, record: ("\n".join([*rows, f"{record},,"]) + "\n").encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in complete.items():
            entry = zipfile.ZipInfo(path, STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
        archive.comment = comment
    return buffer.getvalue()


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def rebuilt(content: bytes, change: Mapping[str, bytes]) -> bytes:
    """The same wheel with members added or replaced, RECORD made anew: what a careful attacker would serve."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    record = next(name for name in members if name.endswith(".dist-info/RECORD"))
    del members[record]
    return _zipped({**change, **{name: body for name, body in members.items() if name not in change}}, record)


def member(content: bytes, suffix: str) -> bytes:
    """The one member of a wheel whose path ends so."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(suffix)]
        return archive.read(name)


def sdist(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    extras: Iterable[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> tuple[str, bytes]:
    """(file name, bytes) of a PEP 625 sdist with PKG-INFO and a pyproject.toml."""
    stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
    info = metadata_text(name, version, requires=requires, requires_python=requires_python, extras=extras)
    build = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
    project = f'{build}\n[project]\nname = "{name}"\nversion = "{version}"\n'
    members = {"PKG-INFO": info, "pyproject.toml": project.encode(), **(files or {})}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in members.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size, entry.mtime, entry.mode = len(content), _STAMP_SECONDS, 0o644
            archive.addfile(entry, io.BytesIO(content))
    return f"{stem}.tar.gz", gzip.compress(buffer.getvalue(), mtime=_STAMP_SECONDS)
