"""pypi-attestations, the reference implementation of PEP 740, on the same attestations: we are never the laxer one.

It has no argument for a trusted root: within these tests its verifier is one over the local root. It knows no identity
of ours, and is asked without any.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pypi_attestations
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigstore.models import TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp

from tests.property.test_attestation_documents import paths, replaced
from tests.sigstore import GitHub, GitLab, Google, LocalSigstore
from tests.unit.io import test_attestation as bad
from tests.unit.io.test_attestation import FILE, SHA256, SIGSTORE, attest, judge

Attested = dict[str, Any]
DIST = pypi_attestations.Distribution(name=str(FILE), digest=SHA256)


@pytest.fixture(scope="module", autouse=True)
def _its_verifier_is_over_the_local_root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("root") / "root.json"
    place.write_bytes(SIGSTORE.trusted_root_json())
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(place)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pypi_attestations._impl.Verifier.production", lambda **_: verifier)
        yield


def oracle_accepts(attestation: Attested) -> bool:
    """Whatever it raises, of its own or of others, is a refusal."""
    try:
        read = pypi_attestations.Attestation.model_validate_json(json.dumps(attestation))
        read.verify(UnsafeNoOp(), DIST, offline=True)
    except Exception:  # noqa: BLE001 - see above
        return False
    return True


def we_accept(attestation: Attested) -> bool:
    return bool(judge(attestation, publisher=bad.ANYBODY)[0])


# What it accepts and we refuse, and why: the numbers are those of docs/checks/attestation.md.
STRICTER = {
    # 1: a document has one spelling, or two readers may read two things
    "version true": "1: `true` is no version",
    "integrated time with a space": "1: canonical decimal numbers",
    # 2
    "wrong sha512": "2: every digest that is listed and that we can compute is compared",
    "publish with a body": "2: what a publish attestation says besides, nobody would read",
    # 3
    "two entries": "3: of several entries only the first is looked at",
    "garbage beside the entry": "3: of several entries only the first is looked at",
    # 4: it drops timestamps, so it does not see that one is false
    "a timestamp that is none": "4: every source of time that is served has to hold",
    "a bad timestamp beside a good promise": "4: every source of time that is served has to hold",
    # 5: what sigstore leaves open; see tests/unit/io/test_sigstore_gaps.py
    "ten years": "5: a signing certificate is for an hour at the most",
    "an hour and a second": "5: a signing certificate is for an hour at the most",
    "another build signer": "5: subject and build signer of a certificate are the same",
    "two subjects in the certificate": "5: a certificate names one subject",
    "no issuer": "5: a certificate says who vouched for the signer; the identity policy would ask",
    "checkpoint of another origin": "5: a checkpoint is of the log that it stands for",
    "checkpoint of another size": "5: a checkpoint is of the tree that the proof speaks of",
}
# What it refuses and we accept: it drops timestamps, and an entry of the second version of the log needs them.
TIMESTAMPED = ({"rekor": 2}, {"rekor": 2, "stamps": (bad.NOW, bad.LATER)})


@pytest.mark.parametrize("name", bad.CASES)
def test_what_is_wrong_is_refused_by_us_whatever_it_says(name: str) -> None:
    attestation = bad.CASES[name][1]()
    assert not we_accept(attestation)
    if oracle_accepts(attestation):
        assert name in STRICTER
    else:
        assert name not in STRICTER, "it refuses too: the table is out of date"


def test_the_table_names_cases_that_are_there() -> None:
    assert set(STRICTER) <= set(bad.CASES)


HONEST: dict[str, Callable[[], Attested]] = {
    "ordinary": attest,
    "with a timestamp too": lambda: attest(stamps=(bad.NOW,)),
    "gitlab": lambda: attest(identity=GitLab()),
    "google": lambda: attest(identity=Google()),
    "publish with an empty object": lambda: attest(predicate={}),
    "subject in another spelling": lambda: bad.subject(name="Demo-1.0.0-py3-none-any.whl"),
}


@pytest.mark.parametrize("name", HONEST)
def test_what_is_in_order_is_accepted_by_both(name: str) -> None:
    attestation = HONEST[name]()
    assert oracle_accepts(attestation)
    assert we_accept(attestation)


@pytest.mark.parametrize("steps", TIMESTAMPED)
def test_the_second_version_of_the_log_is_beyond_it(steps: Attested) -> None:
    attestation = attest(**steps)
    assert not oracle_accepts(attestation)
    assert we_accept(attestation)


GOOD = attest()
NEW = st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(["", "0", "AAAA", "AA==", [], {}, [[]]])


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from([one for one in paths(GOOD) if one]), new=NEW)
def test_wherever_it_refuses_we_refuse(path: tuple[Any, ...], new: Any) -> None:
    mangled = replaced(GOOD, path, new)
    assert oracle_accepts(mangled) or not we_accept(mangled)


def test_it_is_the_local_root_that_is_asked() -> None:
    """The tests above would say nothing if it refused everything, or asked another root."""
    other = LocalSigstore.create(bad.NOW)
    assert oracle_accepts(attest())
    assert not oracle_accepts(other.attest(str(FILE), SHA256, GitHub()))
