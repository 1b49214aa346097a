"""A run as JSON: `safepip-report/1` (docs/report.md), and pip's own installation report (version "1")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from safepip import __version__
from safepip.errors import SafepipError
from safepip.formats.metadata_json import as_json
from safepip.model.artifact import PassedOver
from safepip.model.plan import Install, Plan
from safepip.model.run import Distribution, Refusal, Run
from safepip.model.verdict import Judged
from safepip.report.provenance import attestation, published_by

SCHEMA = "safepip-report/1"
TOOL = f"safepip {__version__}"


def report(run: Run) -> dict[str, Any]:
    """The whole run. Keys are stable; a value that is not known is null, never left out."""
    return {
        "schema": SCHEMA,
        "tool": TOOL,
        "started": stamp(run.started),
        "finished": stamp(run.finished),
        "command": list(run.command),
        "target": {"interpreter": run.interpreter, "environment": run.environment, "markers": dict(run.markers)},
        "policy": _policy(run),
        "outcome": run.outcome,
        "distributions": [distribution(one) for one in run.distributions],
        "kept": [
            {"name": keep.pin.project, "version": str(keep.pin.version), "location": str(keep.installed.location)}
            for keep in run.kept
        ],
        "held_back": [_held_back(one) for one in run.held_back],
        "refusals": [_refusal(one) for one in run.refusals],
        "indexes": [
            {
                "url": seen.url,
                "offers": {
                    "upload-time": seen.offers.upload_time,
                    "provenance": seen.offers.provenance,
                    "core-metadata": seen.offers.core_metadata,
                    "status": seen.offers.status,
                },
            }
            for seen in run.indexes
        ],
        "errors": [error_entry(one) for one in run.errors],
    }


def render(document: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. `backslashreplace` writes the lone surrogates of a path that is not UTF-8 as JSON escapes them."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def distribution(one: Distribution) -> dict[str, Any]:
    """The entry of one distribution; a receipt holds the same."""
    subject = one.verdict.subject
    artifact = subject.artifact
    listing = artifact.listing if artifact is not None else None
    return {
        "name": subject.project,
        "version": str(subject.version),
        "file": str(artifact.name) if artifact is not None else None,
        "sha256": artifact.sha256 if artifact is not None else None,
        "size": artifact.size if artifact is not None else None,
        "index": str(listing.index) if listing is not None else None,
        "url": str(artifact.url) if artifact is not None else None,
        "uploaded": stamp(listing.uploaded) if listing is not None and listing.uploaded is not None else None,
        "kind": artifact.name.kind.value if artifact is not None else None,
        "publisher": published_by(one.attested),
        "predicates": sorted({attested.predicate for attested in one.attested}),
        "attestations": [attestation(attested) for attested in dict.fromkeys(one.attested)],
        "requested": one.requested,
        "parents": list(one.parents),
        "decision": "refused" if one.verdict.denied else "approved",
        "findings": [finding_entry(judged) for judged in one.verdict.judged],
    }


def receipt(one: Distribution, *, policy: str, record: str, byte_code: Mapping[str, str], at: datetime) -> bytes:
    """The content of `safepip.json` (docs/receipts.md).

    record:    sha256 of RECORD as installed, without the receipt's own row
    byte_code: what safepip compiled, path in RECORD -> sha256
    """
    content = {
        "schema": "safepip-receipt/1",
        "tool": TOOL,
        "installed": stamp(at),
        "policy": policy,
        "record": record,
        "byte-code": dict(sorted(byte_code.items())),
        "distribution": distribution(one),
    }
    return render(content)


def pip_report(plan: Plan, run: Run) -> dict[str, Any]:
    """Pip's installation report, with the original addresses and never those of the stage."""
    return {
        "version": "1",
        "pip_version": run.pip_version,
        "install": [_pip_item(step) for step in plan.installs],
        "environment": dict(run.markers),
        "safepip": {"schema": SCHEMA, "policy": plan.policy, "outcome": run.outcome},
    }


def _pip_item(step: Install) -> dict[str, Any]:
    artifact = step.approved.verdict.subject.artifact
    assert artifact is not None  # noqa: S101 - Approved holds no verdict without bytes
    listing = artifact.listing
    return {
        "download_info": {
            "url": str(artifact.url.without_credentials().without_fragment()),
            "archive_info": {"hash": f"sha256={artifact.sha256}", "hashes": {"sha256": artifact.sha256}},
        },
        "is_direct": listing is None,
        "is_yanked": listing is not None and listing.yanked is not None,
        "requested": step.pin.requested,
        "requested_extras": sorted(step.pin.extras),
        "metadata": as_json(step.pin.metadata.raw) if step.pin.metadata is not None else {},
    }


def _policy(run: Run) -> dict[str, Any] | None:
    if run.policy is None:
        return None
    return {
        "digest": run.policy.digest,
        "profile": run.policy.profile.value.name.lower(),
        "layers": [{"name": layer.name, "sha256": layer.digest} for layer in run.policy.layers],
    }


def finding_entry(judged: Judged) -> dict[str, Any]:
    """A finding, and what the policy makes of it."""
    finding, waiver = judged.finding, judged.waived_by
    return {
        "check": finding.check,
        "code": finding.code,
        "outcome": finding.outcome.value,
        "level": judged.level.name.lower(),
        "message": finding.message,
        "hint": finding.hint,
        "waived-by": None
        if waiver is None
        else {"place": waiver.place, "reason": waiver.reason, "until": waiver.until.isoformat()},
    }


def _held_back(one: PassedOver) -> dict[str, Any]:
    return {
        "name": one.project,
        "version": str(one.version),
        "file": one.file,
        "check": one.check,
        "message": one.message,
        "eligible": stamp(one.eligible) if one.eligible is not None else None,
    }


def _refusal(one: Refusal) -> dict[str, Any]:
    return {
        "check": one.check,
        "code": one.code,
        "outcome": one.outcome,
        "level": "deny",
        "name": one.project,
        "version": one.version,
        "file": one.file,
        "requirement": {"text": one.requirement, "origin": one.origin},
        "chain": list(one.chain),
        "message": one.message,
        "facts": dict(one.facts),
    }


def error_entry(error: SafepipError) -> dict[str, Any]:
    """What a person is told, in its parts."""
    return {
        "reference": error.reference,
        "message": error.message,
        "context": [list(pair) for pair in error.context],
        "hint": error.hint,
    }


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
