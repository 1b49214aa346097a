"""Layers -> Settings: what was typed over PIP_* over pip's configuration files, typed and validated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safepip.cli.args import Typed
from safepip.cli.table import OPTIONS, Option, Treatment
from safepip.errors import BadInput, Malformed, Refused, UsageError
from safepip.formats.age import parse_age
from safepip.formats.pipconfig import Entry, boolean
from safepip.model.levels import Age, Placed

COMMAND_LINE = "command line"
BAD_CHOICE_EXIT = 3


class BadConfigurationChoice(BadInput):
    """A configured value that is none of the choices: pip's exit code 3."""

    exit_code = BAD_CHOICE_EXIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the command needs to know from its user, whatever layer said it.

    index_url: None means the index that the installed pip would use
    cache_dir: None means the default place; `cache` false keeps nothing
    forwarded: options for the pip that installs
    """

    command: tuple[str, ...]
    arguments: tuple[str, ...]
    requirement_files: tuple[str, ...]
    constraint_files: tuple[str, ...]
    no_deps: bool
    upgrade: bool
    upgrade_strategy: str
    force_reinstall: bool
    ignore_installed: bool
    pre: bool
    ignore_requires_python: bool
    index_url: Placed[str] | None
    extra_index_urls: tuple[Placed[str], ...]
    no_index: bool
    find_links: tuple[Placed[str], ...]
    target: Path | None
    prefix: Path | None
    root: Path | None
    user: bool | None
    proxy: str | None
    require_virtualenv: bool
    require_hashes: bool
    uploaded_prior_to: Placed[Age] | None
    policy_file: str | None
    trusted_root: str | None
    dry_run: bool
    pip_report: str | None
    report: str | None
    verbosity: int
    color: bool
    progress: str
    cache: bool
    cache_dir: Path | None
    cert: str | None
    timeout: float
    retries: int
    compile: bool
    break_system_packages: bool
    forwarded: tuple[str, ...]


def settle(
    typed: Typed, configured: Mapping[str, Entry], environ: Mapping[str, str], command: tuple[str, ...]
) -> Settings:
    """Merge the layers. Raises UsageError, BadConfigurationChoice, or Refused for options that would loosen."""
    values = {**_from_configuration(configured), **{k: Placed(v, COMMAND_LINE) for k, v in typed.given.items()}}
    _refuse_loosening(values)
    pick = _Picker(values)
    return Settings(
        command=command,
        arguments=typed.arguments,
        requirement_files=pick.texts("requirement"),
        constraint_files=pick.texts("constraint"),
        no_deps=pick.flag("no_deps"),
        upgrade=pick.flag("upgrade"),
        upgrade_strategy=pick.text("upgrade_strategy") or "only-if-needed",
        force_reinstall=pick.flag("force_reinstall"),
        ignore_installed=pick.flag("ignore_installed"),
        pre=pick.flag("pre"),
        ignore_requires_python=pick.flag("ignore_requires_python"),
        index_url=pick.placed("index_url"),
        extra_index_urls=pick.each("extra_index_url"),
        no_index=pick.flag("no_index"),
        find_links=pick.each("find_links"),
        target=pick.path("target"),
        prefix=pick.path("prefix"),
        root=pick.path("root"),
        user=pick.choice("user"),
        proxy=pick.text("proxy"),
        require_virtualenv=pick.flag("require_virtualenv"),
        require_hashes=pick.flag("require_hashes"),
        uploaded_prior_to=pick.age("uploaded_prior_to"),
        policy_file=pick.text("sp_policy"),
        trusted_root=pick.text("sp_trusted_root"),
        dry_run=pick.flag("dry_run"),
        pip_report=pick.text("report"),
        report=pick.text("sp_report"),
        verbosity=pick.number("verbose", 0) - pick.number("quiet", 0),
        color=not pick.flag("no_color") and "NO_COLOR" not in environ,
        progress=pick.text("progress_bar") or "auto",
        cache=not pick.flag("no_cache_dir") and pick.text("cache_dir") not in {"false", "no", "off", "0"},
        cache_dir=pick.path("cache_dir"),
        cert=pick.text("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or None,
        timeout=pick.positive("timeout", 15.0),
        retries=pick.number("retries", 5),
        compile=pick.flag("compile", default=True),
        break_system_packages=pick.flag("break_system_packages"),
        forwarded=_forwarded(values),
    )


def _from_configuration(configured: Mapping[str, Entry]) -> dict[str, Placed[Any]]:
    """Options that pip's configuration sets. What is no option of ours is pip's own business and passed by."""
    found: dict[str, Placed[Any]] = {}
    for option in OPTIONS:
        for name in option.names:
            entry = configured.get(name.removeprefix("--")) if name.startswith("--") and option.config else None
            if entry is not None:
                found[option.dest] = Placed(_convert(option, entry), entry.place)
    return found


def _convert(option: Option, entry: Entry) -> Any:
    text = entry.value.strip()
    try:
        if option.action in {"store_true", "store_false"}:
            return boolean(text)
        if option.action == "count":
            return int(text) if text.isdecimal() else int(boolean(text))
        if option.action == "append":
            return text.split()
        if option.form is not None:
            return {"int": int, "float": float}[option.form](text)
    except (Malformed, ValueError) as error:
        raise UsageError("bad-configuration", f"{entry.place}: {error}") from None
    if option.choices is not None and text not in option.choices:
        raise BadConfigurationChoice(
            "bad-configuration", f"{entry.place}: {text!r} is none of {', '.join(option.choices)}"
        )
    return text


def _refuse_loosening(values: Mapping[str, Placed[Any]]) -> None:
    refused = [option for option in OPTIONS if option.treatment is Treatment.REFUSED and option.dest in values]
    if refused:
        names = ", ".join(option.names[-1] for option in refused)
        raise Refused(
            "loosening-option",
            f"{names}: safepip will not do that",
            context=[(values[option.dest].place, f"{option.names[-1]} {option.help}") for option in refused],
            hint="; ".join(option.hint for option in refused if option.hint is not None),
        )


def _forwarded(values: Mapping[str, Placed[Any]]) -> tuple[str, ...]:
    words: list[str] = []
    for option in OPTIONS:
        if option.treatment is Treatment.FORWARDED and option.dest in values:
            value, name = values[option.dest].value, option.names[-1]
            if option.action == "store":
                words.append(f"{name}={value}")
            elif value is (option.action == "store_true"):
                words.append(name)
    return tuple(words)


class _Picker:
    """Typed access to the merged values."""

    def __init__(self, values: Mapping[str, Placed[Any]]) -> None:
        self.values = values

    def placed(self, dest: str) -> Placed[Any] | None:
        return self.values.get(dest)

    def text(self, dest: str) -> str | None:
        found = self.values.get(dest)
        return str(found.value) if found is not None else None

    def texts(self, dest: str) -> tuple[str, ...]:
        return tuple(one.value for one in self.each(dest))

    def each(self, dest: str) -> tuple[Placed[str], ...]:
        found = self.values.get(dest)
        return tuple(Placed(str(one), found.place) for one in found.value) if found is not None else ()

    def flag(self, dest: str, *, default: bool = False) -> bool:
        found = self.values.get(dest)
        return bool(found.value) if found is not None else default

    def choice(self, dest: str) -> bool | None:
        """True, False, or None where nobody said anything."""
        found = self.values.get(dest)
        return bool(found.value) if found is not None else None

    def path(self, dest: str) -> Path | None:
        text = self.text(dest)
        return Path(text).expanduser() if text is not None else None

    def number(self, dest: str, default: int) -> int:
        return int(self._checked(dest, default, least=0))

    def positive(self, dest: str, default: float) -> float:
        return self._checked(dest, default, least=0.001)

    def _checked(self, dest: str, default: float, *, least: float) -> float:
        found = self.values.get(dest)
        if found is None:
            return default
        if not least <= float(found.value) <= 1e6:
            raise UsageError("usage", f"{found.place}: --{dest.replace('_', '-')} {found.value} is out of range")
        return float(found.value)

    def age(self, dest: str) -> Placed[Age] | None:
        found = self.values.get(dest)
        if found is None:
            return None
        try:
            return Placed(parse_age(found.value), found.place)
        except Malformed as error:
            raise UsageError("usage", f"{found.place}: {error}") from None
