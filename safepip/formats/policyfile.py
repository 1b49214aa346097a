"""A policy file (docs/policy.md, schema 1) -> `Layer`. All faults of a file are reported at once, with their lines.

An unknown key is an error: a misspelled key must not drop a rule. A key that the schema has and this version does not
enforce is an error too: a rule that nobody applies would be a lie.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from safepip.errors import BadInput, Malformed
from safepip.formats import toml
from safepip.formats.age import parse_age
from safepip.formats.publisher import read_publisher
from safepip.formats.statement import PREDICATES, SIGNATURE
from safepip.formats.tables import TableReader, flag, some, text, texts, whole
from safepip.model.grants import LOCAL, HookGrant, IndexGrant, TrustRootGrant, Waiver, folded
from safepip.model.ident import ProjectName, Sha256, Url, parse_version
from safepip.model.levels import CHECKS, AttestationRule, Hashes, LayerKind, Level, Placed, Profile
from safepip.model.policy import Layer
from safepip.model.publisher import PublisherPin
from safepip.model.rules import RuleSet, SlsaRule

SCHEMA = 1
_GLOB = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._*?-]*", re.ASCII)
ENVIRONMENT_RULES = frozenset({"hashes", "minimum-age", "first-release-age", "attestations"})
GRANT_KINDS = frozenset({"indexes", "trust-roots", "startup-hooks", "waivers"})
_TABLES = (
    "schema", "profile", "rules", "checks", "projects", "indexes", "trust-roots", "allow", "waivers", "limits",
)  # fmt: skip
_PREDICATES = frozenset({*PREDICATES.values(), SIGNATURE})
_RULES = {"hashes", "minimum-age", "first-release-age", "attestations", "publishers", "predicates", "slsa"}
_LATER_TABLES = frozenset({"builders"})
_LATER_CHECKS = frozenset({
    "malware", "advisory", "lookalike-name", "suspicious-code", "capability", "not-listed-top",
})  # fmt: skip


def parse_policy(raw: bytes, name: str, *, table: Sequence[str], kind: LayerKind, today: date) -> Layer | None:
    """The layer in that file, or None where `table` (such as `tool`, `safepip`) is absent from it.

    kind: where the file stands, which decides whether `[limits]` may be in it
    today: a waiver whose last day is before it is a fault
    Raises BadInput with one (place, what) for each fault.
    """
    try:
        document = toml.load(raw, name)
    except Malformed as error:
        raise BadInput(
            "policy-file", str(error), hint="mend the file; safepip installs nothing without its policy"
        ) from None
    data: Any = document.data
    for key in table:
        _refuse_near_misses(data, key, document)
        data = data.get(key) if isinstance(data, Mapping) else None
        if data is None:
            return None
    reader = _Reader(document, tuple(table), today)
    layer = reader.layer(data, hashlib.sha256(raw).hexdigest(), kind)
    if reader.faults:
        many = "faults" if len(reader.faults) > 1 else "a fault"
        raise BadInput(
            "policy-file",
            f"the policy {name} has {many}",
            context=reader.faults,
            hint="docs/policy.md has the schema; safepip installs nothing without its policy",
        )
    return layer


def _refuse_near_misses(data: Any, key: str, document: toml.Document) -> None:
    """`[tool.Safepip]` would be a policy that nobody reads."""
    names = [name for name in data if isinstance(name, str)] if isinstance(data, Mapping) else []
    wrong = [name for name in names if name != key and re.sub(r"[-_.]", "", name).lower() == key]
    if wrong:
        raise BadInput("policy-file", f"{document.name} has a table {wrong[0]!r}; it is written {key!r}")


def layer_from_environment(environ: Mapping[str, str]) -> Layer | None:
    """The rules that SAFEPIP_* variables set, such as SAFEPIP_MINIMUM_AGE=7d; None where there are none.

    Rules only: a variable can tighten and never grant. Raises BadInput for one that is no rule.
    """
    named = {key: value for key, value in sorted(environ.items()) if key.upper().startswith("SAFEPIP_") and value}
    if not named:
        return None
    keys = {name: name.removeprefix("SAFEPIP_").lower().replace("_", "-") if name.isupper() else name for name in named}
    document = toml.Document(name="environment", data={}, lines={})
    reader = _Reader(document, (), date.min)
    reader.known(dict.fromkeys(keys.values(), ""), {"profile", *ENVIRONMENT_RULES}, ())
    rules = {key: named[name] for name, key in keys.items() if key in ENVIRONMENT_RULES}
    profile = {"profile": named["SAFEPIP_PROFILE"]} if "SAFEPIP_PROFILE" in named else {}
    digest = hashlib.sha256(repr(named).encode()).hexdigest()
    layer = reader.layer({"schema": SCHEMA, **profile, "rules": rules}, digest, LayerKind.ENVIRONMENT)
    if reader.faults:
        raise BadInput("policy-environment", "a SAFEPIP_* variable is no rule", context=reader.faults)
    return layer


def project_glob(text: str) -> str:
    """A glob over project names, normalised as names are (PEP 503), or it would never match. Raises Malformed."""
    if not _GLOB.fullmatch(text):
        raise Malformed(f"{text!r} is no glob over project names: letters, digits, - _ . and the wildcards * and ?")
    return re.sub(r"[-_.]+", "-", text).lower()


class _Reader(TableReader):
    """The schema. One method a table."""

    def __init__(self, document: toml.Document, prefix: toml.Path, today: date) -> None:
        super().__init__(document, prefix)
        self.today = today

    def layer(self, data: Any, digest: str, kind: LayerKind) -> Layer:
        top = self.table(data, ())
        if "schema" not in top:
            self.fault((), f"schema is missing; write: schema = {SCHEMA}")
        elif top["schema"] != SCHEMA or isinstance(top["schema"], bool):
            self.fault(("schema",), f"schema is {top['schema']!r}; this safepip knows schema {SCHEMA}")
        self.known(top, set(_TABLES), (), _LATER_TABLES)
        limits = self.table(top.get("limits", {}), ("limits",))
        self.known(limits, {"grants", "max-waiver-days"}, ("limits",))
        if limits and not kind.may_limit:
            self.fault(("limits",), "[limits] belongs into the system's or the user's policy")
        return Layer(
            name=self.document.name,
            kind=kind,
            digest=digest,
            profile=self.choice(top, "profile", (), Profile),
            rules=self.rules(top.get("rules", {}), ("rules",)),
            checks=tuple(self.checks(self.table(top.get("checks", {}), ("checks",)))),
            projects=tuple(
                (self.glob(glob, ("projects", glob)), self.rules(rules, ("projects", glob)))
                for glob, rules in self.table(top.get("projects", {}), ("projects",)).items()
            ),
            indexes=tuple(self.each(top, "indexes", self.index)),
            trust_roots=tuple(self.each(top, "trust-roots", self.trust_root)),
            waivers=tuple(self.entries(top, "waivers", (), self.waiver)),
            permitted_grants=self.grants(limits),
            max_waiver_days=self.value(limits, "max-waiver-days", ("limits",), whole),
            hooks=tuple(self.hooks(self.table(top.get("allow", {}), ("allow",)))),
        )

    def rules(self, data: Any, path: toml.Path) -> RuleSet:
        table = self.table(data, path)
        self.known(table, _RULES, path)
        return RuleSet(
            hashes=self.choice(table, "hashes", path, Hashes),
            minimum_age=self.value(table, "minimum-age", path, parse_age),
            first_release_age=self.value(table, "first-release-age", path, parse_age),
            attestations=self.choice(table, "attestations", path, AttestationRule),
            publishers=self.value(table, "publishers", path, self._publishers),
            predicates=self.value(table, "predicates", path, self._predicates),
            slsa=self.slsa(table["slsa"], (*path, "slsa")) if "slsa" in table else None,
        )

    def slsa(self, data: Any, path: toml.Path) -> Placed[SlsaRule] | None:
        table = self.table(data, path)
        self.known(table, {"builder", "build-type", "source", "revision", "signers"}, path)
        if isinstance(data, Mapping) and not data:
            self.fault(path, 'slsa asks for nothing; to ask for any SLSA provenance, write: predicates = ["slsa"]')
        asked = {key: self.value(table, key, path, text) for key in ("builder", "build-type", "source", "revision")}
        builder, build_type, source, revision = (one.value if one is not None else None for one in asked.values())
        signers = self.value(table, "signers", path, self._publishers)
        rule = SlsaRule(
            builder=builder,
            build_type=build_type,
            source=source,
            revision=revision,
            signers=signers.value if signers is not None else (),
        )
        return Placed(rule, self.place(path))

    def glob(self, written: str, path: toml.Path) -> str:
        try:
            return project_glob(written)
        except Malformed as error:
            self.fault(path, str(error))
            return written

    def checks(self, table: Mapping[str, Any]) -> Iterator[tuple[str, Placed[Level]]]:
        for check in table:
            if check in _LATER_CHECKS:
                self.fault(("checks", check), f"this version of safepip cannot run the check {check!r}")
            elif check not in CHECKS:
                self.fault(("checks", check), f"there is no check {check!r}; there are {', '.join(CHECKS)}")
            else:
                level = self.choice(table, check, ("checks",), Level)
                if level is not None:
                    yield check, level

    def index(self, name: str, table: Mapping[str, Any], path: toml.Path) -> IndexGrant | None:
        self.known(table, {"url", "packages", "private", "upload-times", "minimum-age", "sidecars"}, path)
        if name == LOCAL:
            self.fault(path, f"{LOCAL!r} stands for the files of this machine; give the index another name")
        url = self.value(table, "url", path, text, required=True)
        times = self.value(table, "upload-times", path, text)
        if times is not None and times.value != "absent":
            self.fault((*path, "upload-times"), f'upload-times is {times.value!r}; the only value is "absent"')
        packages = self.value(table, "packages", path, lambda value: tuple(project_glob(one) for one in texts(value)))
        private = self.value(table, "private", path, flag)
        sidecars = self.value(table, "sidecars", path, flag)
        if url is None:
            return None
        return IndexGrant(
            name=name,
            url=Url(url.value),
            packages=packages.value if packages is not None else (),
            private=private is not None and private.value,
            upload_times_absent=times is not None,
            minimum_age=self.value(table, "minimum-age", path, parse_age),
            place=self.place(path),
            sidecars=sidecars is not None and sidecars.value,
        )

    def trust_root(self, name: str, table: Mapping[str, Any], path: toml.Path) -> TrustRootGrant | None:
        """An empty list would be read as "nothing" by one and as "everything" by another, so there is none."""
        self.known(table, {"file", "indexes", "projects"}, path)
        file = self.value(table, "file", path, text, required=True)
        indexes = self.value(table, "indexes", path, some, required=True)
        projects = self.value(table, "projects", path, lambda value: tuple(project_glob(one) for one in some(value)))
        if file is None or indexes is None:
            return None
        return TrustRootGrant(
            name=name,
            file=file.value,
            indexes=indexes.value,
            place=self.place(path),
            projects=projects.value if projects is not None else ("*",),
        )

    def hooks(self, allow: Mapping[str, Any]) -> Iterator[HookGrant]:
        self.known(allow, {"startup-hooks"}, ("allow",))
        return self.entries(allow, "startup-hooks", ("allow",), self.hook)

    def hook(self, table: Mapping[str, Any], path: toml.Path) -> HookGrant | None:
        self.known(table, {"project", "line"}, path)
        project = self.value(table, "project", path, lambda value: ProjectName.parse(text(value)), required=True)
        line = self.value(table, "line", path, text, required=True)
        if project is None or line is None:
            return None
        return HookGrant(project=project.value, line=folded(line.value), place=self.place(path))

    def waiver(self, table: Mapping[str, Any], path: toml.Path) -> Waiver | None:
        self.known(table, {"check", "project", "version", "sha256", "reason", "owner", "until"}, path)
        check = self.value(table, "check", path, self._waivable, required=True)
        project = self.value(table, "project", path, lambda value: ProjectName.parse(text(value)), required=True)
        version = self.value(table, "version", path, lambda value: parse_version(text(value)))
        sha256 = self.value(table, "sha256", path, lambda value: Sha256.parse(text(value)))
        reason = self.value(table, "reason", path, text, required=True)
        owner = self.value(table, "owner", path, text)
        until = self.value(table, "until", path, self._last_day, required=True)
        if (version is None) == (sha256 is None) and not {"version", "sha256"} & set(table):
            self.fault(path, "a waiver names one exact version, or one sha256")
        elif version is not None and sha256 is not None:
            self.fault(path, "a waiver names a version or a sha256, not both")
        if check is None or project is None or reason is None or until is None:
            return None
        return Waiver(
            check=check.value,
            project=project.value,
            version=version.value if version is not None else None,
            sha256=sha256.value if sha256 is not None else None,
            reason=reason.value,
            owner=owner.value if owner is not None else None,
            until=until.value,
            place=self.place(path),
        )

    def grants(self, limits: Mapping[str, Any]) -> Placed[frozenset[str]] | None:
        def kinds(value: object) -> frozenset[str]:
            named = frozenset(texts(value))
            if named - GRANT_KINDS:
                raise Malformed(f"unknown kinds {sorted(named - GRANT_KINDS)}; there are {sorted(GRANT_KINDS)}")
            return named

        return self.value(limits, "grants", ("limits",), kinds)

    @staticmethod
    def _publishers(value: object) -> tuple[PublisherPin, ...]:
        if not isinstance(value, list):
            raise Malformed(f"{value!r} is not a list of publishers")
        if not value:
            raise Malformed("an empty list of publishers accepts nobody; name one, or leave the key out")
        return tuple(read_publisher(one) for one in value)

    @staticmethod
    def _predicates(value: object) -> frozenset[str]:
        named = frozenset(texts(value))
        if not named or named - _PREDICATES:
            raise Malformed(f"{value!r} is not a list of {', '.join(sorted(_PREDICATES))}")
        return named

    @staticmethod
    def _waivable(value: object) -> str:
        check = text(value)
        if check not in CHECKS:
            raise Malformed(f"there is no check {check!r} in this version of safepip")
        if not CHECKS[check].waivable:
            raise Malformed(f"the check {check!r} cannot be waived")
        return check

    def _last_day(self, value: object) -> date:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise Malformed(f"{value!r} is not a date such as {self.today.isoformat()} (without quotes)")
        if value < self.today:
            raise Malformed(f"{value.isoformat()} is past: the waiver has run out; remove or renew it")
        return value
