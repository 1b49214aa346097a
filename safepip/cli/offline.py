"""What a command that needs no network begins with: how much is said, and which policy judges."""

from __future__ import annotations

from collections.abc import Mapping

from safepip.cli.args import Typed
from safepip.cli.console import Console
from safepip.cli.layers import load_policy, pip_configuration
from safepip.cli.settings import Settings, settle
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.model.policy import Policy

# Of pip's configuration, how much is said; where things come from is no matter here.
_CONFIGURED = frozenset({"no-color", "quiet", "verbose"})


def settle_offline(
    typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console
) -> tuple[Settings, Policy]:
    """The settings, by which the console speaks from now on, and the policy of this folder. Raises SafepipError."""
    configured = {name: one for name, one in pip_configuration(environ, None).items() if name in _CONFIGURED}
    settings = settle(typed, configured, environ, command)
    console.settle(settings.verbosity, color=settings.color, progress="off")
    today = day_of(SystemClock().now())
    return settings, load_policy(settings, environ, hash_mode=False, folder=working_folder(), today=today)
