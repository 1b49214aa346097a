"""What `safepip scan` found, for machines: `safepip-scan/1` (docs/commands/scan.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from safepip.model.artifact import Metadata
from safepip.model.contents import Contents
from safepip.model.policy import Policy
from safepip.model.scan import Scan
from safepip.model.sdist import SdistContents
from safepip.report.machine import error_entry, finding_entry

SCHEMA = "safepip-scan/1"


def report(scans: Iterable[Scan], policy: Policy) -> str:
    """The document. Everything that is not ASCII is escaped: names from outside may hold what moves a cursor."""
    document = {
        "schema": SCHEMA,
        "policy": {"digest": policy.digest, "profile": policy.profile.value.name.lower()},
        "files": [_file(one) for one in scans],
    }
    return json.dumps(document, indent=2) + "\n"


def _file(one: Scan) -> dict[str, Any]:
    artifact = one.looked.artifact if one.looked is not None else None
    contents = one.looked.contents if one.looked is not None else None
    return {
        "target": one.target,
        "file": artifact.name.text if artifact is not None else None,
        "kind": artifact.name.kind.value if artifact is not None else None,
        "name": artifact.name.project if artifact is not None else None,
        "version": str(artifact.name.version) if artifact is not None else None,
        "sha256": artifact.sha256 if artifact is not None else None,
        "size": artifact.size if artifact is not None else None,
        "decision": one.answer.value,
        "error": error_entry(one.error) if one.error is not None else None,
        "findings": [{**finding_entry(judged), "rule": judged.rule} for judged in one.judged],
        "notes": list(one.notes),
        "wheel": _wheel(contents) if isinstance(contents, Contents) else None,
        "sdist": _sdist(contents) if isinstance(contents, SdistContents) else None,
    }


def _wheel(contents: Contents) -> dict[str, Any] | None:
    """None where the archive is so broken that its members could not be read."""
    manifest = contents.manifest
    if manifest is None:
        return None
    return {
        "files": len(manifest.files),
        "programs": list(manifest.programs),
        "native": list(contents.native),
        "hooks": [{"path": hook.path, "line": hook.line} for hook in contents.hooks],
        "world-writable": list(contents.world_writable),
    }


def _sdist(contents: SdistContents) -> dict[str, Any]:
    return {
        "members": contents.members,
        "class": _class(contents),
        "kind": contents.kind.value,
        "clues": [{"file": clue.file, "line": clue.line, "what": clue.what} for clue in contents.clues],
        "backend": contents.backend,
        "requires": list(contents.requires),
        "static": _static(contents.static) if contents.static is not None else None,
        "not-static": contents.not_static,
    }


def _class(contents: SdistContents) -> str | None:
    letter = contents.kind.value[0]
    return letter if letter in "ABC" else None


def _static(metadata: Metadata) -> dict[str, Any]:
    return {
        "requires-dist": [str(one) for one in metadata.requires_dist],
        "requires-python": metadata.requires_python,
        "extras": sorted(metadata.provides_extra),
    }
