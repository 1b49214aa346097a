"""Laws of printing an address: whatever people write into it, the password stays in."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from safepip.model.ident import Url, redacted

printable = st.characters(exclude_categories=["C", "Zl", "Zp"])
hosts = st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,2}(:[0-9]{1,5})?", fullmatch=True)


@given(st.text(printable), st.text(printable, min_size=4) | st.text("/@:?#\\[ SECRET", min_size=4), hosts)
def test_a_password_is_never_printed(user: str, password: str, host: str) -> None:
    assume(password not in f"https://****@{host}/simple")
    url = f"https://{user}:{password}@{host}/simple"
    assert password not in str(Url(url))
    assert password not in redacted(f"--index-url={url}")
    assert password not in redacted(f"demo @ {url}")
    assert str(Url(url)).endswith(f"@{host}/simple")


@given(st.text("abc/:@?#\\=. hts", max_size=40))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)
    assert str(Url(str(Url(text)))) == str(Url(text))


@given(hosts, st.from_regex(r"(/[@a-z0-9._-]{1,9}){0,4}", fullmatch=True))
def test_what_holds_no_secret_is_printed_as_it_is(host: str, path: str) -> None:
    assume(":" not in host or "@" not in path)
    assert str(Url(f"https://{host}{path}")) == f"https://{host}{path}"
