"""Names and addresses: what is let through, and what printing gives away."""

from __future__ import annotations

import pytest

from safepip.errors import Malformed
from safepip.model.ident import FileName, ProjectName, Url, redacted


class TestFileName:
    @pytest.mark.parametrize(
        ("build", "value"), [("1", (1, "")), ("1_foo.2", (1, "_foo.2")), ("20240101", (20240101, "")), ("0a", (0, "a"))]
    )
    def test_build_tags(self, build: str, value: tuple[int, str]) -> None:
        assert FileName.parse(f"demo-1.0-{build}-py3-none-any.whl").build == value

    @pytest.mark.parametrize("build", ["1\nx", "1\x00", "1/../../x", "1 x", "1é", "x", "1" * 19, "1\\x"])
    def test_build_tags_that_could_mislead(self, build: str) -> None:
        with pytest.raises(Malformed):
            FileName.parse(f"demo-1.0-{build}-py3-none-any.whl")

    @pytest.mark.parametrize("text", ["demo-1.0\n-py3-none-any.whl", "demo-\n1.0.tar.gz", "demo- 1.0.zip"])
    def test_a_version_has_no_white_space(self, text: str) -> None:
        with pytest.raises(Malformed, match="characters"):
            FileName.parse(text)

    @pytest.mark.parametrize("text", ["demo-1!1.0+local.1-py3-none-any.whl", "my-demo-1.0.post1.tar.gz"])
    def test_unusual_names_that_are_valid(self, text: str) -> None:
        assert FileName.parse(text).text == text

    def test_one_that_is_too_long_is_not_repeated(self) -> None:
        for text in ("x" * 9000 + "-1.0-py3-none-any.whl", f"{'x' * 300}!-1.0.zip"):
            with pytest.raises(Malformed) as caught:
                FileName.parse(text)
            assert len(str(caught.value)) < 250

    def test_a_foreign_project_name_is_not_repeated_at_length(self) -> None:
        with pytest.raises(Malformed) as caught:
            ProjectName.parse("!" * 9000)
        assert len(str(caught.value)) < 250


class TestPrinting:
    @pytest.mark.parametrize(
        "text",
        [
            "https://user:SECRET@h.example/simple",
            "https://user:SE/SECRET@h.example/simple",
            "https://user:SE#SECRET@h.example/simple",
            "https://user:SE?SECRET@h.example/simple",
            "https://user:x@y/SECRET@h.example/simple",
            "https://user@corp/x:SECRET@h.example/simple",
            "https://SECRET@h.example/simple",
            "https:/SECRET@h.example/simple",
            "https:/u:SECRET@h.example/simple",
            "https:u:SECRET@h.example/simple",
            r"https:\\u:SECRET@h.example/simple",
            "//u:SECRET@h.example/simple",
            "u:SECRET@h.example:3128",
            "git+https://u:SECRET@h.example/x.git@v1",
            "https://h.example/x.whl?X-Signature=SECRET",
            "https://h.example/x.whl?a b SECRET#sha256=00",
        ],
    )
    def test_no_secret_is_shown(self, text: str) -> None:
        assert "SECRET" not in str(Url(text))
        assert "SECRET" not in repr(Url(text))
        assert str(Url(str(Url(text)))) == str(Url(text))

    @pytest.mark.parametrize(
        "text",
        [
            "https://h.example/simple",
            "https://h.example:8443/simple/",
            "https://h.example/@scope/pkg",
            "git+https://h.example/x.git@v1",
            "https://[::1]:8080/simple",
            "https://h.example/x.whl#sha256=00",
            "file:///srv/wheels@2/x.whl",
        ],
    )
    def test_honest_addresses_are_printed_as_they_are(self, text: str) -> None:
        assert str(Url(text)) == redacted(text) == text

    def test_the_usual_password_hides_nothing_else(self) -> None:
        assert str(Url("https://u:p@h.example:8443/simple")) == "https://****@h.example:8443/simple"

    @pytest.mark.parametrize(
        ("word", "shown"),
        [
            ("name @ https://u:p@h/x.whl", "name @ https://****@h/x.whl"),
            ("--index-url=https://u:p@h", "--index-url=https://****@h"),
            ("--proxy=u:p@h:3128", "--proxy=****@h:3128"),
            ("demo[extra]>=1; python_version < '3.9'", "demo[extra]>=1; python_version < '3.9'"),
            ("name@https://h/x.whl?sig=p ; os_name == 'nt'", "name@https://h/x.whl?... ; os_name == 'nt'"),
            ("from https://u:p@h/a to https://v:q@k/b", "from https://****@k/b"),
            ("what? a@b", "what? a@b"),
        ],
    )
    def test_words(self, word: str, shown: str) -> None:
        assert redacted(word) == shown
        assert redacted(shown) == shown


class TestMalformedAddress:
    @pytest.mark.parametrize("text", ["https://[x", "https://[x/simple#a", "https://u:SECRET@h:port/"])
    def test_no_property_lets_out_anything_but_malformed(self, text: str) -> None:
        url = Url(text)
        with pytest.raises(Malformed) as caught:
            _ = url.origin
        assert "SECRET" not in str(caught.value)
        assert url.scheme == "https"
        assert "#" not in url.without_fragment().reveal()
        assert "?" not in url.last_segment

    @pytest.mark.parametrize("name", ["host", "credentials", "fragment", "origin"])
    def test_brackets_without_end(self, name: str) -> None:
        with pytest.raises(Malformed, match="not a valid address"):
            getattr(Url("https://[x"), name)

    def test_joining(self) -> None:
        with pytest.raises(Malformed) as caught:
            Url("https://h.example/").join("https://u:SECRET@[x")
        assert "SECRET" not in str(caught.value)
