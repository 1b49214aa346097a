"""The options of `safepip verify`, besides those that every command takes."""

from __future__ import annotations

from safepip.cli.table import Option, option

_ATTESTED = "What attests it (default: what lies beside the file, or what its index serves)"
_EXPECTED = "Who should have published it (without any of these: the policy's pins, and the ledger)"
_TRUST = "What is trusted"
_WHERE = "Where a URL is looked up"
_ENVIRONMENT = "What is installed, in place of files (docs/commands/verify.md)"
_SHOW = "What is shown"

VERIFY: tuple[Option, ...] = (
    option(
        "--environment",
        action="store_true",
        config=False,
        group=_ENVIRONMENT,
        help="compare installed distributions with their receipts, offline; what is named then is an environment, "
        "an interpreter or a --target folder (default: where install would install)",
    ),
    option("--provenance", metavar="FILE", group=_ATTESTED, help="a PEP 740 provenance, or a single attestation"),
    option("--bundle", metavar="FILE", group=_ATTESTED, help="a Sigstore bundle; then any file can be verified"),
    option(
        "--filename",
        metavar="NAME",
        group=_ATTESTED,
        help="the wheel's or sdist's name, where the file is called otherwise or only its digest is given",
    ),
    option(
        "--publisher",
        action="append",
        metavar="SPEC",
        group=_EXPECTED,
        help="such as github:OWNER/REPOSITORY/WORKFLOW.yml@refs/tags/*; repeatable, and any of them will do",
    ),
    option(
        "--identity",
        metavar="ID",
        group=_EXPECTED,
        help="exactly the certificate's subject: an e-mail address or a workflow's URL; with --issuer",
    ),
    option("--issuer", metavar="URL", group=_EXPECTED, help="exactly who vouched for it; with --identity"),
    option("--key", metavar="PEM", group=_EXPECTED, help="a public key, for bundles signed without a certificate"),
    option(
        "--sp-policy",
        metavar="FILE",
        config=False,
        group=_EXPECTED,
        help="one more policy file; what policies pin must hold beside what is typed",
    ),
    option(
        "--sp-trusted-root",
        metavar="FILE",
        config=False,
        group=_TRUST,
        help="Sigstore trusted root to verify with, instead of the public one that safepip ships",
    ),
    option("--staging", action="store_true", group=_TRUST, help="the root of Sigstore's staging instance, for tests"),
    option("-i", "--index-url", metavar="URL", group=_WHERE, help="the index; default: the one pip would use"),
    option("--extra-index-url", action="append", metavar="URL", group=_WHERE, help="one more index; repeatable"),
    option("--offline", action="store_true", group=_WHERE, help="ask no index for anything"),
    option(
        "--format",
        choices=("text", "json"),
        metavar="FORM",
        group=_SHOW,
        help="text (default), or json (docs/commands/verify.md)",
    ),
)
