"""Who is expected to have published a file. Never built from what was observed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherPin:
    """An expected publisher, as a person pins it: `github:psf/requests/publish.yml@refs/tags/*`.

    kind:        github | gitlab | google (the others come with their own fields)
    repository:  `owner/name`; GitHub compares it without regard to case; an e-mail address for google
    workflow:    file name (GitHub) or path (GitLab) of the workflow; None accepts any
    ref:         glob over the git ref; None accepts any
    environment: exact name of the deployment environment; None accepts any
    """

    kind: str
    repository: str
    workflow: str | None
    ref: str | None
    environment: str | None
