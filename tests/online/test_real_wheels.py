"""The newest wheels of popular projects: the gate must not object to how any of them is made.

Asked for with `make online` (`pytest -m online`): fetches some 400 MB from whatever index pip is configured for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from safepip.model.ident import FileName, ProjectName
from safepip.model.verdict import Outcome
from tests.archives.judging import GATE, STRUCTURE, findings, read, subject_of

pytestmark = pytest.mark.online

_NAMES = """
    aiohappyeyeballs aiohttp aiosignal annotated-doc annotated-types anyio attrs beautifulsoup4 boto3 botocore
    cachetools certifi cffi charset-normalizer click colorama coverage cryptography decorator distlib distro
    dnspython docker docstring-parser docutils editables et-xmlfile exceptiongroup fastapi filelock frozenlist
    fsspec gitpython google-api-core google-auth google-genai googleapis-common-protos greenlet grpcio grpcio-tools
    h11 hatchling httpcore httpx huggingface-hub idna importlib-metadata iniconfig jinja2 jiter jmespath jsonschema
    jsonschema-specifications keyring langchain lxml markdown-it-py markupsafe mcp mdurl more-itertools msgpack
    multidict mypy-extensions networkx numpy oauthlib openai openpyxl opentelemetry-api
    opentelemetry-exporter-otlp-proto-common opentelemetry-exporter-otlp-proto-http opentelemetry-proto
    opentelemetry-sdk packaging pandas pathspec pexpect pillow pip platformdirs pluggy propcache proto-plus protobuf
    psutil psycopg2-binary ptyprocess pyasn1 pyasn1-modules pycparser pydantic pydantic-core pydantic-settings
    pygments pyjwt pynacl pyopenssl pyparsing pytest python-dateutil python-discovery python-dotenv python-multipart
    pytz pyyaml redis referencing regex requests requests-oauthlib requests-toolbelt rich rpds-py rsa ruff
    s3transfer scipy setuptools shellingham six smmap sniffio sortedcontainers soupsieve sqlalchemy sse-starlette
    starlette tenacity tomli tomlkit tqdm trove-classifiers typer typing-extensions typing-inspection tzdata urllib3
    uvicorn uvloop virtualenv watchfiles wcwidth websocket-client websockets werkzeug wheel wrapt yarl zipp
"""
POPULAR = _NAMES.split()
# Real wheels at the edge: WHEEL's tags are not those of the file name; a hook at every start of Python.
ODD = ["playwright", "coloredlogs"]
HOOKED = {"setuptools", "coverage", "coloredlogs"}
# Some may have no wheel for the Python that runs this; with fewer than these, too little was looked at.
ENOUGH = 140
_BATCH, _SECONDS = 25, 600


@pytest.fixture(scope="module")
def wheels(request: pytest.FixtureRequest) -> Iterator[Sequence[Path]]:
    if "online" not in str(request.config.getoption("markexpr")):
        pytest.skip("fetches real wheels; asked for with -m online")
    with tempfile.TemporaryDirectory(prefix="real-wheels-") as place:
        folder = Path(place)
        if said := _download(POPULAR[:1], folder):
            pytest.skip(f"nothing can be fetched from the configured index: {said}")
        rest = iter([*POPULAR[1:], *ODD])
        while batch := list(islice(rest, _BATCH)):
            _download(batch, folder)
        yield sorted(folder.glob("*.whl"))


def _download(names: Sequence[str], folder: Path) -> str:
    """What pip said where it could not fetch one: all together first, then singly. Empty if all are there."""
    where = ("--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--dest", str(folder))
    command = [sys.executable, "-m", "pip", "download", *where, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode == 0:
        return ""
    if len(names) == 1:
        return (done.stderr.strip() or "nothing").splitlines()[-1]
    return "; ".join(said for name in names if (said := _download([name], folder)))


def test_enough_were_looked_at(wheels: Sequence[Path]) -> None:
    projects = {FileName.parse(path.name).project for path in wheels}
    asked = {ProjectName.parse(name) for name in (*POPULAR, *ODD)}
    assert len(asked) >= 150
    assert projects <= asked
    assert len(projects) >= ENOUGH, f"not there: {sorted(asked - projects)}"


def _objections(path: Path) -> list[str]:
    told = findings(subject_of(path), read(path), STRUCTURE)
    return [f"{one.check}/{one.code}: {one.message}" for one in told if one.outcome is not Outcome.PASS]


def test_none_is_refused_for_its_structure(wheels: Sequence[Path]) -> None:
    refused = {path.name: told for path in wheels if (told := _objections(path))}
    assert refused == {}


def test_nothing_runs_at_the_start_of_python_but_what_is_known_to(wheels: Sequence[Path]) -> None:
    hooked = {FileName.parse(path.name).project: read(path).hooks for path in wheels}
    assert {project for project, hooks in hooked.items() if hooks} == HOOKED & hooked.keys()


def test_no_program_or_dependency_of_theirs_is_objected_to(wheels: Sequence[Path]) -> None:
    checks = tuple(check for check in GATE if check.ID in {"script-shadow", "direct-url"})
    told = [one for path in wheels for one in findings(subject_of(path), read(path), checks)]
    assert [one.message for one in told if one.outcome is not Outcome.PASS] == []
