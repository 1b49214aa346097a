"""What is installed: real projects, resolved from a recording of the configured index."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSet:
    """plain: whether the set is also resolved from an index that serves no separate metadata (PEP 658)."""

    name: str
    requirements: tuple[str, ...]
    plain: bool = False


WEB = BenchSet(
    name="web-20",
    requirements=("flask", "requests", "httpx", "sqlalchemy", "gunicorn", "python-dotenv"),
    plain=True,
)
API = BenchSet(name="api-60", requirements=("fastapi[standard]", "sqlalchemy", "alembic"))
NOTEBOOK = BenchSet(name="jupyterlab", requirements=("jupyterlab",), plain=True)
CLOUD = BenchSet(name="boto3-s3fs", requirements=("boto3", "s3fs"))

SHORT = (WEB, API)
FULL = (WEB, API, NOTEBOOK, CLOUD)
