"""What was verified once, remembered on this machine: so that a second run need not verify, nor import, anything.

An entry says that sigstore and our own steps accepted exactly this attestation, for exactly this file, under exactly
this trusted root, and what its certificate and its log entry said. Whether that is good enough is the policy's
judgement, and is never remembered; neither is a refusal.

What this cannot do: whoever can write this user's cache can forge an entry. A keyed seal would not change that, since
its key would have to lie where the same user can read it: who writes as this user can change what is installed anyway.
So entries count only in a folder that nobody else can write (`CacheFolder`), and `--no-cache-dir` does without.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from safepip import __version__
from safepip.formats.attestation import PAYLOAD_TYPE, Attestation, render_attestation
from safepip.formats.bundle import Envelope, SigstoreBundle
from safepip.formats.fields import BadAttestation
from safepip.formats.statement import About, parse_statement, require_subject
from safepip.formats.strictjson import NotStrict, parse_json
from safepip.io.cachefile import CacheFolder
from safepip.io.verifier import Verifier
from safepip.model.evidence import Build, VerifiedAttestation
from safepip.model.publisher import Identity

# To be raised whenever our own steps of the verification, or what is read from a certificate, change.
STEPS = 1
MOST = 1 << 16
_KIND = "verdicts"
_FIELDS = {"key", "predicate", "identity", "logged_at", "build", "log", "log_index"}
T = TypeVar("T", Identity, Build)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What a verdict is about. Each part is in the entry's name and again inside it."""

    form: str
    attestation: str
    file: str
    sha256: str
    trust_root: str
    verifier: str

    def document(self) -> dict[str, str]:
        return dataclasses.asdict(self)

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()


class CachedVerifier:
    """A Verifier that asks the folder first, and another verifier where that does not know.

    trust_digest: sha256 of the trusted root that `inner` verifies with. Safe to use from several threads.
    """

    def __init__(self, inner: Verifier, folder: CacheFolder, trust_digest: str) -> None:
        self._inner = inner
        self._folder = folder
        self._trust_digest = trust_digest

    def prepare(self, served: Sequence[Attestation], about: About) -> None:
        """Raises what the inner verifier does; asks it only where some answer is not here."""
        unknown = [one for one in served if self._remembered(self._key_of(one, about), one.statement, about) is None]
        if unknown:
            self._inner.prepare(unknown, about)

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        key = self._key_of(attestation, about)
        known = self._remembered(key, attestation.statement, about)
        return known if known is not None else self._kept(key, self._inner.attestation(attestation, about))

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        key = self._key("bundle", _canonical(bundle), about)
        content = bundle.content
        stated = content.payload if isinstance(content, Envelope) and content.payload_type == PAYLOAD_TYPE else None
        known = self._remembered(key, stated, about)
        return known if known is not None else self._kept(key, self._inner.bundle(bundle, about))

    def _key_of(self, attestation: Attestation, about: About) -> _Key:
        return self._key("attestation", render_attestation(attestation), about)

    def _key(self, form: str, canonical: bytes, about: About) -> _Key:
        return _Key(
            form=form,
            attestation=hashlib.sha256(canonical).hexdigest(),
            file=about.file.text if about.file is not None else "",
            sha256=about.sha256,
            trust_root=self._trust_digest,
            verifier=_verifier_version(),
        )

    def _remembered(self, key: _Key, statement: bytes | None, about: About) -> VerifiedAttestation | None:
        """The verdict, if the folder has it. That the statement is about this file is asked again: it costs nothing."""
        if not self._folder.enabled or not key.verifier:
            return None
        content = self._folder.read(_KIND, key.digest(), most=MOST)
        known = _decoded(content, key) if content is not None else None
        if known is None or statement is None:
            return known
        try:
            stated = parse_statement(statement)
            require_subject(stated, about)
        except BadAttestation:
            return None  # the verifier says why
        return known if stated.predicate_type == known.predicate else None

    def _kept(self, key: _Key, verdict: VerifiedAttestation) -> VerifiedAttestation:
        if key.verifier and verdict.trust_root == self._trust_digest:
            self._folder.write(_KIND, key.digest(), _encoded(key, verdict))
        return verdict


@functools.cache
def _verifier_version() -> str:
    """Empty where an installation does not say which sigstore it has: then nothing is remembered."""
    try:
        sigstore = importlib.metadata.version("sigstore")
    except importlib.metadata.PackageNotFoundError:
        return ""
    return f"safepip {__version__}, steps {STEPS}, sigstore {sigstore}"


def _canonical(bundle: SigstoreBundle) -> bytes:
    """All that was read from it, in one spelling."""
    document = {"content": type(bundle.content).__name__, **dataclasses.asdict(bundle)}
    return json.dumps(document, sort_keys=True, default=bytes.hex).encode()


def _encoded(key: _Key, verdict: VerifiedAttestation) -> bytes:
    document = {
        "key": key.document(),
        "predicate": verdict.predicate,
        "identity": dataclasses.asdict(verdict.identity),
        "logged_at": verdict.logged_at.isoformat() if verdict.logged_at is not None else None,
        "build": dataclasses.asdict(verdict.build) if verdict.build is not None else None,
        "log": verdict.log,
        "log_index": verdict.log_index,
    }
    return json.dumps(document, sort_keys=True).encode()


def _decoded(content: bytes, key: _Key) -> VerifiedAttestation | None:
    """None for anything that we would not have written ourselves, to the byte."""
    try:
        document = _object(parse_json(content), _FIELDS)
        verdict = VerifiedAttestation(
            predicate=_text(document["predicate"]),
            identity=_value(Identity, document["identity"]),
            logged_at=None if document["logged_at"] is None else _moment(document["logged_at"]),
            trust_root=key.trust_root,
            build=None if document["build"] is None else _value(Build, document["build"]),
            log=None if document["log"] is None else _text(document["log"]),
            log_index=_index(document["log_index"]),
        )
    except (NotStrict, ValueError):
        return None
    return verdict if _encoded(key, verdict) == content else None


def _value(form: type[T], stated: object) -> T:
    """Identity and Build hold texts only, some of which may be missing."""
    document = _object(stated, {one.name for one in dataclasses.fields(form)})
    values: dict[str, Any] = {
        one.name: None if document[one.name] is None and "None" in str(one.type) else _text(document[one.name])
        for one in dataclasses.fields(form)
    }
    return form(**values)


def _object(stated: object, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(stated, dict) or set(stated) != names:
        raise ValueError("it does not hold exactly what an entry holds")
    return stated


def _text(stated: object) -> str:
    if not isinstance(stated, str):
        raise ValueError("not a text")  # noqa: TRY004 - caught with everything else that is wrong with an entry
    return stated


def _index(stated: object) -> int | None:
    if stated is not None and type(stated) is not int:  # True is an int too
        raise ValueError("not a whole number")
    return stated


def _moment(stated: object) -> datetime:
    moment = datetime.fromisoformat(_text(stated))
    if moment.utcoffset() != timedelta(0):
        raise ValueError("not a time in UTC")
    return moment
