"""What lies there right after pip, compared with what was judged.

Every file of the wheel must be there with the judged bytes, every entry point's program must be what pip's template
makes, RECORD must list exactly these, and nothing else may have been added beside them. This is a look at the files,
not at what pip says: it catches a pip that did something else, and a process that changed something in between.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.errors import Malformed
from safepip.formats.record import RecordRow, stated_digest
from safepip.io.fingerprint import Fingerprint, Look, changed, digest_of, look, look_all, read_whole
from safepip.io.owners import Places, owned_by_others, rows_of
from safepip.io.pipscripts import LARGEST as LARGEST_PROGRAM
from safepip.io.pipscripts import entry_programs, left_out, made_from, rewritten, versioned_name
from safepip.model.contents import Manifest, PackedFile
from safepip.model.difference import Change, Difference
from safepip.model.plan import Install

_LARGEST_SCRIPT = 64 * 1024 * 1024
_LIBRARIES = ("purelib", "platlib")
_ORDER = {"purelib": 0, "platlib": 0, "headers": 1, "data": 1, "scripts": 2}  # as pip writes them
_PIPS_OWN = {"INSTALLER": b"pip\n", "REQUESTED": b"", "direct_url.json": None}
_UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")  # signatures cannot be in what they sign


def compare_installed(
    step: Install, dist_info: Path, schemes: Mapping[str, str], *, interpreter: Path | None = None, began: int = 0
) -> tuple[Difference, ...]:
    """How the installed distribution differs from what was judged; empty where it does not.

    To be called after pip and before anything is byte-compiled or written beside it.

    dist_info:   where pip put the .dist-info folder
    schemes:     where the files went: an absolute folder for each of `model.contents.SCHEMES`
    interpreter: the target's, as pip was told it; programs must name it. None: any absolute path will do
    began:       a moment right before pip, in nanoseconds; 0: when the oldest file of the wheel was written

    A file that nobody owns counts as added where it is as new as this installation: in a folder that the wheel writes
    into there may be older ones, which no installer removes. Never raises for what it finds.
    """
    found = _Comparison(step, dist_info, schemes, interpreter, began).differences()
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.path, one.change.value)))


class _Comparison:
    def __init__(
        self, step: Install, dist_info: Path, schemes: Mapping[str, str], interpreter: Path | None, began: int
    ) -> None:
        self._step = step
        self._began = began
        self._points = step.manifest.entry_points
        # Resolved, because a virtual environment has two names for its library (lib64 is a link).
        self._schemes = {name: os.path.realpath(folder) for name, folder in schemes.items()}
        self._dist_info = os.path.join(os.path.realpath(dist_info.parent), dist_info.name)  # noqa: PTH118
        self._interpreter = interpreter
        self._places = Places(os.path.dirname(self._dist_info))  # noqa: PTH120
        self._loose = stat.S_ISUID | stat.S_ISGID | (stat.S_IWOTH & _umask())
        self._programs = {f"{self._schemes['scripts']}/{name}": name for name in entry_programs(self._points)}
        self._packed = self._laid(step.manifest)
        self._seen: dict[str, Look] = look_all(dict.fromkeys(self._packed))
        self._told: set[str] = set()

    def _own(self, name: str) -> str:
        return f"{self._dist_info}/{name}"

    def _laid(self, manifest: Manifest) -> dict[str, list[PackedFile]]:
        """Path -> the files that pip writes there, the last one last."""
        laid: dict[str, list[PackedFile]] = {}
        for path, file in sorted(manifest.placed(self._schemes), key=lambda pair: _ORDER[pair[1].scheme]):
            # All three are left out, or written over.
            if not self._is_unused(file.path) and path not in self._programs and path != self._own("RECORD"):
                laid.setdefault(path, []).append(file)
        return laid

    def _is_unused(self, member: str) -> bool:
        """Whether it is a script that pip leaves out for one that it makes. The manifest may not have it at all."""
        top, _, rest = member.partition("/")
        is_script = top.endswith(".data") and rest.startswith("scripts/")
        return is_script and left_out(rest.rpartition("/")[2], self._points)

    def differences(self) -> Iterator[Difference]:
        pips = set(map(self._own, _PIPS_OWN))
        for path, files in self._packed.items():
            if path not in pips:
                yield from self._unless(path, functools.partial(self._is_judged, path, files[-1]))
        values = entry_programs(self._points)
        for path, name in self._programs.items():
            yield from self._program(path, name, values[name])
        yield from self._pips_own()
        yield from self._record()
        yield from self._added()

    def _difference(self, path: str, change: Change) -> Difference:
        self._told.add(path)
        return Difference(path=path, change=change)

    def _unless(self, path: str, right: Callable[[Fingerprint], bool]) -> Iterator[Difference]:
        """A difference unless a regular file of a sound mode lies there, and `right` of it."""
        seen = self._seen[path]
        if seen is None:
            yield self._difference(path, Change.MISSING)
        elif not (isinstance(seen, Fingerprint) and not seen.mode & self._loose and right(seen)):
            yield self._difference(path, Change.ALTERED)

    def _is_judged(self, path: str, file: PackedFile, seen: Fingerprint) -> bool:
        if seen.sha256 == file.sha256:
            return True
        return file.scheme == "scripts" and self._is_rewritten(path, file, seen)

    def _is_rewritten(self, path: str, file: PackedFile, seen: Fingerprint) -> bool:
        body, original = read_whole(path, _LARGEST_SCRIPT), _member(self._step, file)
        if body is None or original is None or _sha256(body) != seen.sha256:
            return False
        return rewritten(body, original, self._interpreter)

    def _program(self, path: str, name: str, value: str) -> Iterator[Difference]:
        self._seen[path] = look(path)
        yield from self._unless(path, lambda seen: self._is_made(path, seen, name, value))

    def _is_made(self, path: str, seen: Fingerprint, name: str, value: str) -> bool:
        body = read_whole(path, LARGEST_PROGRAM)
        if body is None or _sha256(body) != seen.sha256:
            return False
        return made_from(body, name, value, self._interpreter)

    def _pips_own(self) -> Iterator[Difference]:
        for name, content in _PIPS_OWN.items():
            path = self._own(name)
            seen = self._seen[path] = look(path)
            files = self._packed.get(path, [])
            if not files and name != "INSTALLER" and (seen is None or self._is_older(seen)):
                del self._seen[path]  # it need not be there, and with --ignore-installed an old one stays
            else:
                right = {file.sha256 for file in files} | ({_sha256(content)} if content is not None else set())
                yield from self._unless(path, lambda seen, right=right: not right or seen.sha256 in right)  # type: ignore[misc]

    def _is_older(self, seen: Look) -> bool:
        return isinstance(seen, Fingerprint) and seen.changed <= self._began

    def _since(self) -> int:
        """What has not changed since then was there before."""
        written = (one.changed for one in self._seen.values() if isinstance(one, Fingerprint))
        return self._began + 1 if self._began else min(written, default=0)

    def _record(self) -> Iterator[Difference]:
        path = self._own("RECORD")
        seen = self._seen[path] = look(path)
        if seen is None:
            yield self._difference(path, Change.MISSING)
            return
        try:
            rows = rows_of(self._dist_info)
        except Malformed:
            yield self._difference(path, Change.ALTERED)
            return
        yield from self._versioned_programs(rows)
        yield from self._also_listed(rows)
        yield from self._unless(path, lambda _: self._fits(rows))

    def _versioned_programs(self, rows: tuple[RecordRow, ...]) -> Iterator[Difference]:
        """`pip3` and `pip3.12`, which pip makes beside `pip`: RECORD says which."""
        programs = entry_programs(self._points)
        for row in rows:
            name = row.path.rpartition("/")[2]
            main, path = versioned_name(name, programs), f"{self._schemes['scripts']}/{name}"
            if main is not None and path not in self._seen and path in self._files(row):
                yield from self._program(path, name, programs[main])

    def _also_listed(self, rows: tuple[RecordRow, ...]) -> Iterator[Difference]:
        """New files that RECORD names and the judged wheel does not have: pip was given another one."""
        due, since = {self._places.key(path) for path in self._seen}, self._since()
        for row in rows:
            keys = self._files(row)
            if not due.intersection(keys):
                for key in filter(lambda key: changed(key) >= since, keys):
                    yield self._difference(key, Change.ADDED)

    def _files(self, row: RecordRow) -> tuple[str, ...]:
        """The files that a row may be about, by their keys.

        With `--target` pip writes the rows for what it then moves: `../../bin/tool` ends in `bin/tool` of the folder.
        """
        named = (row.path, row.path.removeprefix("../../")) if row.path.startswith("../../") else (row.path,)
        return tuple(map(self._places.of_row, named))

    def _fits(self, rows: tuple[RecordRow, ...]) -> bool:
        """Whether RECORD lists every file that belongs there, rightly, and no other."""
        due = {self._places.key(path): path for path in self._seen}
        listed = set()
        for row in rows:
            key = next((key for key in self._files(row) if key in due), None)
            if key is None and self._is_unused(row.path):
                continue  # a script that pip left out keeps its row
            if key is None or not self._row_fits(row, due[key]):
                return False
            listed.add(key)
        return listed == set(due)

    def _row_fits(self, row: RecordRow, path: str) -> bool:
        if path in self._told:
            return True  # what is wrong there is told already
        if not row.hash:
            return path in map(self._own, _UNHASHED)
        stated, seen = stated_digest(row.hash), self._seen[path]
        if stated is None:
            return False
        algorithm, digest = stated
        if algorithm != "sha256":
            return algorithm in {"sha384", "sha512"} and digest_of(path, algorithm) == digest
        prints = {(file.sha256, str(file.size)) for file in self._packed.get(path, ())}
        if isinstance(seen, Fingerprint):
            prints.add((seen.sha256, str(seen.size)))
        return (digest, row.size) in prints

    def _added(self) -> Iterator[Difference]:
        extra = {self._places.key(path): path for path in _extra(self._folders(), set(self._seen), self._since())}
        if extra:
            libraries = [self._schemes[name] for name in _LIBRARIES]
            shared = {key for key in extra if not key.startswith(self._own(""))}  # nobody else writes in there
            for key in extra.keys() - owned_by_others(self._dist_info, libraries, shared):
                yield self._difference(extra[key], Change.ADDED)

    def _folders(self) -> set[str]:
        """The folders below the library folders that this wheel writes into."""
        roots = {self._schemes[name] for name in _LIBRARIES}
        folders = {self._dist_info}
        for path, files in self._packed.items():
            if files[-1].scheme in _LIBRARIES:
                folder = path.rpartition("/")[0]
                while folder not in roots and folder not in folders and len(folder) > 1:
                    folders.add(folder)
                    folder = folder.rpartition("/")[0]
        return folders


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    folder: bool
    changed: int


def _extra(folders: set[str], known: set[str], since: int) -> Iterator[str]:
    """Files in these folders that are unknown and as new as the installation; in new folders below them, too."""
    waiting, done = list(folders), set(folders)
    while waiting:
        for one in _entries(waiting.pop(), known):
            if one.path in done or one.changed < since:
                continue
            if one.folder:
                done.add(one.path)
                waiting.append(one.path)
            else:
                yield one.path


def _entries(folder: str, known: set[str]) -> list[_Entry]:
    """What is in a folder, but for what is known."""
    try:
        with os.scandir(folder) as found:
            return [
                _Entry(one.path, one.is_dir(follow_symlinks=False), one.stat(follow_symlinks=False).st_ctime_ns)
                for one in found
                if one.path not in known
            ]
    except OSError:
        return []  # its files are told as missing


def _member(step: Install, file: PackedFile) -> bytes | None:
    """The bytes of a member as they were judged, from the wheel; None where they cannot be had."""
    artifact = step.approved.verdict.subject.artifact
    if artifact is None or file.size > _LARGEST_SCRIPT:
        return None
    try:
        with zipfile.ZipFile(artifact.path) as archive, archive.open(file.path) as stream:
            body = stream.read(file.size + 1)
    except Exception:  # noqa: BLE001 - zipfile raises a dozen kinds; the file then counts as altered
        return None
    return body if _sha256(body) == file.sha256 else None


def _sha256(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _umask() -> int:
    """Set to the strictest for a moment, since it can only be read by setting it."""
    before = os.umask(0o077)
    os.umask(before)
    return before
