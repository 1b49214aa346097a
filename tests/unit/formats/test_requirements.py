from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

import pytest

from safepip.errors import BadInput, Malformed, Refused, SafepipError
from safepip.formats.requirement_line import PathAnswer, PathKind, parse_requirement
from safepip.formats.requirements import (
    DEEPEST,
    MOST_FILES,
    OptionLine,
    RequirementsFile,
    parse_requirements,
    split_options,
)
from safepip.formats.requirements_text import decode, lines
from safepip.model.artifact import HashPin, Root

A, B = "a" * 64, "b" * 64
WHEEL = "demo-1.0-py3-none-any.whl"
FILES = {"w", f"./{WHEEL}", WHEEL, f"/abs/{WHEEL}", f"sub dir/{WHEEL}", "demo-1.0.tar.gz", "reqs.txt", "./bad.whl"}
FOLDERS = {".", "./project", "../up", "/abs/project", "plain"}


def look(path: str) -> PathAnswer:
    absolute = path if path.startswith("/") else f"/cwd/{path.removeprefix('./')}"
    path = path.removeprefix("/cwd/")
    if path in FILES or f"./{path}" in FILES:
        return PathAnswer(PathKind.FILE, absolute)
    return PathAnswer(PathKind.DIRECTORY if path in FOLDERS else PathKind.ABSENT, absolute)


def one(text: str, *digests: str, constraint: bool = False) -> Root:
    pins = frozenset(HashPin.parse(f"sha256:{digest}") for digest in digests)
    return parse_requirement(text, "command line", look=look, pins=pins, constraint=constraint)


def read(
    content: str | bytes,
    environ: Mapping[str, str] | None = None,
    *,
    constraint: bool = False,
    **others: str,
) -> RequirementsFile:
    """Parse requirements.txt; `others` are files beside it, `__` in their names standing for a slash."""
    files = {"requirements.txt": content.encode() if isinstance(content, str) else content}
    files |= {f"{name.replace('__', '/')}.txt": text.encode() for name, text in others.items()}

    def reader(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return files[name]

    return parse_requirements(reader, "requirements.txt", environ or {}, look=look, constraint=constraint)


def fault(content: str | bytes, environ: Any = None, **more: Any) -> SafepipError:
    with pytest.raises((BadInput, Refused)) as error:
        read(content, environ, **more)
    return error.value


class TestOneRequirement:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("demo", "demo"),
            (" demo ", "demo"),
            ("demo==1.0", "demo==1.0"),
            ("demo >= 1, < 2", "demo<2,>=1"),
            ("demo(>=1)", "demo>=1"),
            ("demo[a,B]~=1.4", "demo[B,a]~=1.4"),
            ("demo===2019c", "demo===2019c"),
            ('demo; python_version < "3"', 'demo; python_version < "3"'),
            ("demo ;python_version<'3'", 'demo; python_version < "3"'),
            ("demo>=1 ; ", "demo>=1"),
            (f"demo @ file:///abs/{WHEEL}", f"demo @ file:///abs/{WHEEL}"),
            (f"demo[x]@file:///abs/{WHEEL}", f"demo[x] @ file:///abs/{WHEEL}"),
            (f"file:///abs/{WHEEL}", f"demo @ file:///abs/{WHEEL}"),
            (f"file:///abs/{WHEEL} ; os_name == 'nt'", f'demo @ file:///abs/{WHEEL} ; os_name == "nt"'),
            (f"./{WHEEL}", f"demo @ file:///cwd/{WHEEL}"),
            (WHEEL, f"demo @ file:///cwd/{WHEEL}"),
            (f"./{WHEEL}[x, y]", f"demo[x,y] @ file:///cwd/{WHEEL}"),
            (f"sub dir/{WHEEL}", f"demo @ file:///cwd/sub%20dir/{WHEEL}"),
            (f'/abs/{WHEEL}; os_name == "nt"', f'demo @ file:///abs/{WHEEL} ; os_name == "nt"'),
            (f"https://h.example/{WHEEL}#sha256={A}", f"demo @ https://h.example/{WHEEL}"),
            (f"demo @ https://h.example/{WHEEL}#sha256={A} ; os_name=='nt'", None),
        ],
    )
    def test_forms(self, text: str, expected: str | None) -> None:
        root = one(text)
        if expected is None:
            expected = f'demo @ https://h.example/{WHEEL} ; os_name == "nt"'
        assert str(root.requirement) == expected
        assert root.project == "demo"

    def test_a_fragment_is_a_pin_beside_those_of_the_line(self) -> None:
        root = one(f"https://h.example/{WHEEL}#sha256={A}&egg=demo", B)
        assert root.pins == {HashPin("sha256", A), HashPin("sha256", B)}

    def test_a_hash_of_the_line_is_enough_for_an_address(self) -> None:
        assert one(f"https://h.example/{WHEEL}", A).requirement.url == f"https://h.example/{WHEEL}"

    def test_a_local_wheel_needs_no_hash(self) -> None:
        assert one(f"./{WHEEL}").pins == frozenset()

    @pytest.mark.parametrize(
        ("text", "reference", "words"),
        [
            (".", "source-kind", "directory"),
            ("./project", "source-kind", "pip install --no-deps --no-build-isolation ./project"),
            ("./project[x]", "source-kind", "directory"),
            ("../up", "source-kind", "directory"),
            ("/abs/project", "source-kind", "directory"),
            ("demo @ file:///abs/project", "source-kind", "directory"),
            ("demo-1.0.tar.gz", "source-kind", "source distribution"),
            ("https://h.example/demo-1.0.tar.gz", "source-kind", "source distribution"),
            (f"https://h.example/demo-1.0.zip#sha256={A}", "source-kind", "source distribution"),
            ("https://h.example/demo", "source-kind", "does not name a wheel"),
            ("git+https://h.example/demo.git@main#egg=demo", "source-kind", "checkout"),
            ("demo @ git+ssh://git@h.example/demo.git", "source-kind", "checkout"),
            ("hg+https://h.example/demo", "source-kind", "checkout"),
            (f"https://h.example/{WHEEL}", "direct-url", "#sha256="),
            (f"demo @ https://h.example/{WHEEL}", "direct-url", "#sha256="),
        ],
    )
    def test_kinds_that_are_not_installed(self, text: str, reference: str, words: str) -> None:
        with pytest.raises(Refused) as error:
            one(text)
        assert error.value.reference == reference
        assert error.value.hint
        assert words in f"{error.value.message} {error.value.hint}"
        assert error.value.context[0][1].startswith("command line  ->  ")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("demo=1.0", "Did you mean == ?"),
            ("demo==", "Invalid requirement"),
            ("demo>>1", "Invalid requirement"),
            ("demo; nonsense", "Invalid requirement"),
            ("-demo", "Invalid requirement"),
            ("demo demo", "Invalid requirement"),
            ("demo[", "Invalid requirement"),
            ("", "Invalid requirement"),
            ("reqs.txt]", "Invalid requirement"),
            ("no/such/thing", "It looks like a path."),
            ("other-1.0-py3-none-any.whl", "looks like a filename, but the file does not exist"),
            ("./bad.whl", "wrong number of parts"),
            (f"file:///nowhere/{WHEEL}", "does not exist"),
            (f"ftp://h.example/{WHEEL}#sha256={A}", "scheme"),
            ("https://[x]/y.whl", "not a valid address"),
            ("demo @ https://h.example:port/y.whl", "not a valid address"),
            (f"other @ file:///abs/{WHEEL}", "is a distribution of demo, not of other"),
            (f"https://h.example/{WHEEL}#md5=0123", "md5 is not a hash that protects"),
            (f"https://h.example/{WHEEL}#sha1=0123", "sha1 is not a hash that protects"),
            (f"https://h.example/{WHEEL}#sha256=0123", "not a sha256 digest"),
        ],
    )
    def test_what_cannot_be_read(self, text: str, words: str) -> None:
        with pytest.raises(BadInput) as error:
            one(text)
        assert words in f"{error.value.message} {error.value.hint}"
        assert dict(error.value.context)["where"] == "command line"

    def test_a_requirements_file_named_as_a_requirement(self) -> None:
        with pytest.raises(BadInput) as error:
            one("reqs.txt ==")
        assert error.value.hint is None
        FILES.add("broken req.txt")
        with pytest.raises(BadInput) as error:
            one("broken req.txt")
        assert error.value.hint == "There is a file of that name: for a requirements file, write -r broken req.txt"

    @pytest.mark.parametrize(
        "form",
        ["https://me:secret@h.example/{}", "demo @ https://me:secret@h.example/{}", "x = https://me:secret@h/{}"],
    )
    def test_no_secret_in_a_message(self, form: str) -> None:
        with pytest.raises(SafepipError) as error:
            one(form.format(WHEEL))
        told = f"{error.value.message}{error.value.context}{error.value.hint}"
        assert "secret" not in told
        assert "****@" in told

    def test_no_control_characters_in_a_message(self) -> None:
        with pytest.raises(SafepipError) as error:
            one("demo \x1b[2J==1")
        assert "\x1b" not in f"{error.value.message}{dict(error.value.context)}{error.value.hint}"

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("demo[x]==1", "Constraints cannot have extras"),
            (f"./{WHEEL}[x]", "Constraints cannot have extras"),
            ("./project", "Unnamed requirements are not allowed as constraints"),
        ],
    )
    def test_constraints(self, text: str, problem: str) -> None:
        with pytest.raises(BadInput, match=problem):
            one(text, constraint=True)
        assert one("demo<2", constraint=True).requirement.specifier == "<2"


class TestFile:
    def test_requirements_with_their_lines(self) -> None:
        found = read(
            "\n# comment\ndemo==1.0 # why\n  other>=2  \n\thashed#notacomment\n".replace("hashed#notacomment", "last")
        )
        assert [(str(root.requirement), root.origin) for root in found.roots] == [
            ("demo==1.0", "requirements.txt:3"),
            ("other>=2", "requirements.txt:4"),
            ("last", "requirements.txt:5"),
        ]
        assert found.options == ()
        assert not found.hashed

    def test_a_hash_sign_within_a_word_is_none(self) -> None:
        (root,) = read(f"demo @ https://h.example/{WHEEL}#sha256={A}  # note").roots
        assert root.pins == {HashPin("sha256", A)}

    def test_a_fragment_does_not_turn_hash_mode_on(self) -> None:
        assert not read(f"https://h.example/{WHEEL}#sha256={A}").hashed

    def test_several_hashes_over_several_lines(self) -> None:
        found = read(f"demo==1.0 \\\n    --hash=sha256:{A} \\\n    --hash sha256:{B}\nother\n")
        assert found.roots[0].pins == {HashPin("sha256", A), HashPin("sha256", B)}
        assert found.roots[0].origin == "requirements.txt:1"
        assert found.roots[1].origin == "requirements.txt:4"
        assert found.hashed

    def test_a_marker_before_a_hash(self) -> None:
        (root,) = read(f'demo==1.0 ; python_version >= "3" --hash=sha256:{A}').roots
        assert str(root.requirement) == 'demo==1.0; python_version >= "3"'
        assert root.pins

    @pytest.mark.parametrize("digest", ["md5:0123", "sha1:0123", "sha256:0123", f"sha256={A}", ""])
    def test_bad_hashes(self, digest: str) -> None:
        assert fault(f"demo --hash={digest}").context[0][0] == "requirements.txt:1"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("de\\\nmo", ["demo"]),
            ("demo\\\n==1\\\n.0", ["demo==1.0"]),
            ("demo # comment \\\nother", ["demo"]),
            ("demo \\\n# comment\nother", ["demo", "other"]),
            ("# comment \\\nother", ["other"]),
            ("demo \\", ["demo"]),
            ("demo\\\n", ["demo"]),
        ],
    )
    def test_continued_lines(self, text: str, expected: list[str]) -> None:
        assert [str(root.requirement) for root in read(text).roots] == expected

    @pytest.mark.parametrize(
        ("text", "environ", "expected"),
        [
            ("${NAME}", {"NAME": "demo"}, "demo"),
            ("demo==${MAJOR_1}.${MINOR}", {"MAJOR_1": "1", "MINOR": "2"}, "demo==1.2"),
        ],
    )
    def test_variables(self, text: str, environ: dict[str, str], expected: str) -> None:
        assert str(read(text, environ).roots[0].requirement) == expected

    @pytest.mark.parametrize("text", ["${name}", "$NAME", "${UNSET}", "${EMPTY}", "%NAME%"])
    def test_what_is_no_variable_stays_as_written(self, text: str) -> None:
        found = read(f"--index-url https://h/{text}", {"NAME": "x", "name": "x", "EMPTY": ""})
        assert found.options[0].value == f"https://h/{text}"

    def test_a_value_is_not_expanded_again_and_never_shown(self) -> None:
        assert read("-i https://h/${A}", {"A": "${B}", "B": "x"}).options[0].value == "https://h/${B}"
        error = fault("demo = ${TOKEN}", {"TOKEN": "hunter2"})
        told = f"{error.message}{error.context}{error.hint}"
        assert "hunter2" not in told
        assert "${TOKEN}" in told

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (codecs.BOM_UTF8 + b"demo", "demo"),
            (codecs.BOM_UTF16_LE + "demo".encode("utf-16-le"), "demo"),
            (codecs.BOM_UTF16_BE + "demo".encode("utf-16-be"), "demo"),
            (codecs.BOM_UTF32_LE + "demo".encode("utf-32-le"), "demo"),
            (codecs.BOM_UTF32_BE + "demo".encode("utf-32-be"), "demo"),
            ("# -*- coding: latin-1 -*-\n# \xe9\ndemo".encode("latin-1"), "demo"),
            ("#\n# vim: coding=latin-1\n# \xe9\ndemo".encode("latin-1"), "demo"),
            ("# \xe9\ndemo".encode(), "demo"),
            (b"demo\r\n", "demo"),
        ],
    )
    def test_encodings(self, data: bytes, name: str) -> None:
        assert [root.project for root in read(data).roots] == [name]

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"demo # \xff", "it is not utf-8"),
            (b"# coding: nope\ndemo", "no encoding called 'nope'"),
            (b"# coding: zlib\ndemo", "no encoding called 'zlib'"),
            (b"#\n#\n# coding: latin-1\n# \xe9", "it is not utf-8"),
        ],
    )
    def test_what_cannot_be_decoded(self, data: bytes, words: str) -> None:
        error = fault(data)
        assert words in error.context[0][1]

    def test_options_with_their_places(self) -> None:
        found = read(
            "-i https://a/simple\n--extra-index-url=https://b/simple\n-fwheels\n--no-index\n--pre --only-binary :all:\n"
            "--trusted-host h\n--find-links 'a b'\n--index https://c\nde\\\nmo\n--prefer-binary\n"
        )
        assert found.options == (
            OptionLine("--index-url", "https://a/simple", "requirements.txt:1"),
            OptionLine("--extra-index-url", "https://b/simple", "requirements.txt:2"),
            OptionLine("--find-links", "wheels", "requirements.txt:3"),
            OptionLine("--no-index", None, "requirements.txt:4"),
            OptionLine("--pre", None, "requirements.txt:5"),
            OptionLine("--only-binary", ":all:", "requirements.txt:5"),
            OptionLine("--trusted-host", "h", "requirements.txt:6"),
            OptionLine("--find-links", "a b", "requirements.txt:7"),
            OptionLine("--index-url", "https://c", "requirements.txt:8"),
            OptionLine("--prefer-binary", None, "requirements.txt:11"),
        )
        assert "https" not in repr(found.options[0])

    def test_config_settings_of_a_requirement(self) -> None:
        found = read("demo -C a=b --config-settings=c=d")
        assert [(option.name, option.value) for option in found.options] == [
            ("--config-settings", "a=b"),
            ("--config-settings", "c=d"),
        ]

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("--nonsense", "no such option"),
            ("--nonsense=me:secret@h", "no such option: '--nonsense'"),
            ("-x", "no such option"),
            ("-", "no such option"),
            ("--", "no such option"),
            ("--no", "ambiguous option: --no"),
            ("--index-url", "requires 1 argument"),
            ("--pre=yes", "does not take a value"),
            ("--pre yes", "stands after the options"),
            ("-i 'https://a", "cannot be split"),
            (f"--hash=sha256:{A}", "stands alone"),
            ("demo --index-url https://a", "stands beside a requirement"),
            ("demo --pre", "stands beside a requirement"),
            ("demo -r other.txt", "stands beside a requirement"),
        ],
    )
    def test_options_that_cannot_be_read(self, line: str, words: str) -> None:
        error = fault(line)
        assert isinstance(error, BadInput)
        assert error.context[0][0] == "requirements.txt:1"
        assert words in error.context[0][1]

    @pytest.mark.parametrize("line", ["-e .", "-e git+https://h/x#egg=x", "--editable=./project", "--edit ."])
    def test_editable(self, line: str) -> None:
        error = fault(line)
        assert isinstance(error, Refused)
        assert error.reference == "source-kind"
        assert error.hint is not None
        assert "--no-deps --no-build-isolation -e " in error.hint

    def test_nested_files_are_relative_to_the_file(self) -> None:
        found = read(
            "-r sub/more.txt\n-c limits.txt\ndemo\n",
            sub__more="-r deep.txt\n-c ../limits.txt\nmore",
            sub__deep="deep",
            limits="demo<2",
        )
        assert [(root.project, root.origin) for root in found.roots] == [
            ("deep", "sub/deep.txt:1"),
            ("more", "sub/more.txt:3"),
            ("demo", "requirements.txt:3"),
        ]
        assert [(root.project, root.origin) for root in found.constraints] == [("demo", "limits.txt:1")] * 2

    def test_what_a_constraints_file_includes(self) -> None:
        found = read("demo<2\n-r more.txt\n-c less.txt", constraint=True, more="extra", less="other<1")
        assert [root.project for root in found.constraints] == ["demo", "other"]
        assert [root.project for root in found.roots] == ["extra"]

    def test_constraints_with_faults(self) -> None:
        error = fault("demo[x]<2\n-e .\n./project\nfine<3", constraint=True)
        assert error.reference == "invalid-constraint"
        assert [place for place, _ in error.context] == [f"requirements.txt:{number}" for number in (1, 2, 3)]

    @pytest.mark.parametrize(
        ("content", "others"),
        [("-r requirements.txt", {}), ("-c a.txt", {"a": "-r requirements.txt"}), ("-r a.txt", {"a": "-r ./a.txt"})],
    )
    def test_recursion(self, content: str, others: dict[str, str]) -> None:
        assert "recursively references itself" in fault(content, **others).context[0][1]

    def test_the_same_file_twice_is_no_recursion(self) -> None:
        assert len(read("-r a.txt\n-r a.txt", a="demo").roots) == 2

    def test_includes_that_double_end(self) -> None:
        others = {f"n{number}": f"-r n{number + 1}.txt\n-r n{number + 1}.txt" for number in range(40)}
        error = fault("-r n0.txt", **others, n40="demo")
        assert any(f"more than {MOST_FILES} files" in what for _, what in error.context)

    def test_includes_that_go_ever_deeper_end(self) -> None:
        def reader(name: str) -> bytes:
            return f"-r {name}x".encode()

        with pytest.raises(BadInput) as error:
            parse_requirements(reader, "r", {}, look=look, constraint=False)
        assert f"more than {DEEPEST} files deep" in error.value.context[0][1]

    def test_a_missing_file(self) -> None:
        error = fault("-r nowhere.txt\n-c neither.txt")
        assert error.context == (
            ("requirements.txt:1", "Could not open requirements file: No such file or directory: 'nowhere.txt'"),
            ("requirements.txt:2", "Could not open constraint file: No such file or directory: 'neither.txt'"),
        )

    @pytest.mark.parametrize("line", ["-r https://h/r.txt", "-c http://me:secret@h/c.txt", "-r file:///r.txt"])
    def test_files_by_address_are_not_read(self, line: str) -> None:
        error = fault(line)
        assert error.reference == "remote-requirements"
        assert "secret" not in str(error.context)

    def test_all_faults_at_once(self) -> None:
        error = fault("demo=1\nfine\n--nonsense\n.\n-r more.txt", more="also wrong\nhttps://h/x.tar.gz")
        assert isinstance(error, BadInput)
        assert error.reference == "invalid-requirements-file"
        assert [place for place, _ in error.context] == [
            "requirements.txt:1",
            "requirements.txt:3",
            "requirements.txt:4",
            "more.txt:1",
            "more.txt:2",
        ]
        assert "5 lines" in error.message

    def test_only_refusals_are_a_refusal(self) -> None:
        error = fault(f".\nhttps://h.example/{WHEEL}")
        assert isinstance(error, Refused)
        assert len(error.context) == 2

    def test_an_empty_file(self) -> None:
        assert read("# nothing\n\n") == RequirementsFile(roots=(), constraints=(), options=(), hashed=False)


def test_words_of_a_line() -> None:
    assert split_options("demo ; os_name == 'a' --hash=x") == ("demo ; os_name == 'a'", [("--hash", "x")])
    assert split_options("demo-two") == ("demo-two", [])


def test_lines_tell_what_was_written() -> None:
    (line,) = lines("demo==${X}", {"X": "1"})
    assert (line.text, line.written) == ("demo==1", "demo==${X}")


def test_decode_says_what_to_do() -> None:
    with pytest.raises(Malformed, match="save it as UTF-8"):
        decode(b"\xff\xfe\xff")
