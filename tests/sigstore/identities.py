"""Who signs: the claims that a continuous-integration provider hands to the certificate authority.

Numbers are the last arc of the Fulcio OIDs 1.3.6.1.4.1.57264.1.N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
GOOGLE_ISSUER = "https://accounts.google.com"
CIRCLECI_ISSUER = "https://oidc.circleci.com"
ACTIVESTATE_ISSUER = "https://platform.activestate.com/api/v1/oauth/oidc"
GITHUB_LOGIN = "https://github.com/login/oauth"  # people, through Sigstore's own sign-in


class Claims(Protocol):
    def subject(self) -> str:
        """The subject alternative name: a URI, or an e-mail address where it holds an `@` and no `://`."""
        ...

    def extensions(self) -> dict[int, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    repository: str = "acme/demo"
    workflow: str = "release.yml"
    ref: str = "refs/tags/v1.0"
    environment: str | None = None
    trigger: str = "push"
    runner: str = "github-hosted"
    repository_id: str = "1001"
    owner_id: str = "2002"
    issuer: str = GITHUB_ISSUER
    build_signer: str | None = None

    def config(self) -> str:
        return f"https://github.com/{self.repository}/.github/workflows/{self.workflow}@{self.ref}"

    def subject(self) -> str:
        return self.build_signer or self.config()

    def extensions(self) -> dict[int, str]:
        claims = {
            8: self.issuer,
            9: self.subject(),
            10: "0" * 40,
            11: self.runner,
            12: f"https://github.com/{self.repository}",
            13: "0" * 40,
            14: self.ref,
            15: self.repository_id,
            16: f"https://github.com/{self.repository.partition('/')[0]}",
            17: self.owner_id,
            18: self.config(),
            19: "0" * 40,
            20: self.trigger,
            21: f"https://github.com/{self.repository}/actions/runs/1/attempts/1",
            22: "public",
        }
        return claims if self.environment is None else {**claims, 23: self.environment}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    repository: str = "acme/tools/demo"
    workflow: str = ".gitlab-ci.yml"
    ref: str = "refs/heads/main"
    environment: str | None = None
    issuer: str = GITLAB_ISSUER

    def subject(self) -> str:
        return f"https://gitlab.com/{self.repository}//{self.workflow}@{self.ref}"

    def extensions(self) -> dict[int, str]:
        claims = {
            8: self.issuer,
            9: self.subject(),
            11: "gitlab-hosted",
            12: f"https://gitlab.com/{self.repository}",
            13: "0" * 40,
            14: self.ref,
            15: "3003",
            16: f"https://gitlab.com/{self.repository.rpartition('/')[0]}",
            17: "4004",
            18: self.subject(),
            20: "push",
        }
        return claims if self.environment is None else {**claims, 23: self.environment}


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    email: str = "publisher@demo.iam.gserviceaccount.com"
    issuer: str = GOOGLE_ISSUER

    def subject(self) -> str:
        return self.email

    def extensions(self) -> dict[int, str]:
        return {1: self.issuer, 8: self.issuer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """A person who signed in."""

    email: str = "sam@example.org"
    issuer: str = GITHUB_LOGIN

    def subject(self) -> str:
        return self.email

    def extensions(self) -> dict[int, str]:
        return {1: self.issuer, 8: self.issuer}


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleCI:
    """As a real certificate of 2026 has it: no trigger, no ids but those in the subject, an odd runner."""

    project: str = "fdd9283f-e619-46af-8f9c-851f7d3e8b2b"
    pipeline: str = "8e4f8ab2-8d7c-4827-9f15-de076d6d647f"
    source: str = "github.com/acme/demo"
    ref: str = "refs/heads/main"
    issuer: str = CIRCLECI_ISSUER

    def subject(self) -> str:
        return f"https://circleci.com/api/v2/projects/{self.project}/pipeline-definitions/{self.pipeline}"

    def extensions(self) -> dict[int, str]:
        return {
            8: self.issuer,
            9: self.subject(),
            11: '""',
            12: self.source,
            14: self.ref,
            18: "https://circleci.com/api/v2/pipeline/f3f6eb86-f260-445b-b9c9-32a2cb5a3a61/config",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveState:
    project: str = "acme/demo"
    issuer: str = ACTIVESTATE_ISSUER

    def subject(self) -> str:
        return f"https://platform.activestate.com/{self.project}"

    def extensions(self) -> dict[int, str]:
        return {8: self.issuer, 12: self.subject()}
