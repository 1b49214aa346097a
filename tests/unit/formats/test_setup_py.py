"""setup.py and setup.cfg, by reading alone: what is trivial, and every way to hide code in something that looks so."""

from __future__ import annotations

import pytest

from safepip.formats.scm_options import unsafe_scm
from safepip.formats.setup_py import has_docstring, is_literal, is_text, read_setup_cfg, read_setup_py

TRIVIAL = {
    "nothing": "",
    "a comment": "# nothing\n",
    "the usual": "from setuptools import setup\n\nsetup()\n",
    "the module": "import setuptools\nsetuptools.setup()\n",
    "under another name": "from setuptools import setup as go\ngo()\n",
    "with a docstring": "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n'''Build.'''\n"
    "from setuptools import setup\nsetup()\n",
    "under main": 'from setuptools import setup\n\nif __name__ == "__main__":\n    setup()\n',
    "from the future": "from __future__ import annotations\nimport setuptools\nsetuptools.setup()\n",
    "literals": 'from setuptools import setup\nsetup(name="demo", version="1.0", packages=["a"], '
    'install_requires=["b>=1"], extras_require={"x": ["y"]}, zip_safe=False, classifiers=("c",))\n',
    "Windows": "from setuptools import setup\r\nsetup()\r\n",
    "a byte order mark": "\ufefffrom setuptools import setup\nsetup()\n",
}

# (source, line of the first sign)
CODE = {
    "another import": ("import os\nfrom setuptools import setup\nsetup()\n", 1),
    "a module of the sdist": ("from setuptools import setup\nimport demo\nsetup(version='1')\n", 2),
    "two imports at once": ("import setuptools, os\nsetuptools.setup()\n", 1),
    "a part of setuptools": ("import setuptools.command.build_py\n", 1),
    "an extension": ("from setuptools import setup, Extension\nsetup()\n", 1),
    "everything": ("from setuptools import *\nsetup()\n", 1),
    "relative": ("from . import setup\nsetup()\n", 1),
    "distutils": ("from distutils.core import setup\nsetup()\n", 1),
    "a function": ("from setuptools import setup\ndef f(): pass\nsetup()\n", 2),
    "a class": ("from setuptools import setup\nclass C: pass\n", 2),
    "an assignment": ("from setuptools import setup\nx = 1\nsetup()\n", 2),
    "a call": ("from setuptools import setup\nprint('x')\nsetup()\n", 2),
    "a call beside, on the same line": ("from setuptools import setup\nsetup(); print()\n", 2),
    "a call after a carriage return in a comment": ("from setuptools import setup\n# quiet \rprint()\nsetup()\n", 3),
    "a form feed": ("from setuptools import setup\n\x0cprint()\nsetup()\n", 2),
    "a call in an argument": ("from setuptools import setup\nsetup(version=open('v').read())\n", 2),
    "find_packages, which is a call": (
        "from setuptools import setup, find_packages\nsetup(packages=find_packages())\n",
        2,
    ),
    "a name in an argument": ("from setuptools import setup\nsetup(name=__name__)\n", 2),
    "an f-string": ("from setuptools import setup\nsetup(name=f'{print()}')\n", 2),
    "a comprehension": ("from setuptools import setup\nsetup(packages=[print() for _ in 'a'])\n", 2),
    "a lambda": ("from setuptools import setup\nsetup(name=lambda: 1)\n", 2),
    "stars": ("from setuptools import setup\nsetup(**{'cmdclass': {}})\n", 2),
    "a positional argument": ("from setuptools import setup\nsetup('x')\n", 2),
    "cmdclass": ("from setuptools import setup\nsetup(cmdclass={})\n", 2),
    "setup_requires": ("from setuptools import setup\nsetup(setup_requires=['evil'])\n", 2),
    "ext_modules": ("from setuptools import setup\nsetup(ext_modules=[])\n", 2),
    "a keyword of cffi, which runs a file": ("from setuptools import setup\nsetup(cffi_modules=['b.py:ffi'])\n", 2),
    "options, which can name commands": (
        "from setuptools import setup\nsetup(options={'global': {'command_packages': 'evil'}})\n",
        2,
    ),
    "an unknown keyword": ("from setuptools import setup\nsetup(some_plugin=True)\n", 2),
    "scm with a function": ("from setuptools import setup\nsetup(use_scm_version={'version_scheme': 'evil:f'})\n", 2),
    "not under main": ("from setuptools import setup\nif __name__ != '__main__':\n    setup()\n", 2),
    "under main, and else": (
        "from setuptools import setup\nif __name__ == '__main__':\n    setup()\nelse:\n    print()\n",
        2,
    ),
    "more under main": ("from setuptools import setup\nif __name__ == '__main__':\n    print()\n    setup()\n", 3),
    "a condition that runs": ("if print():\n    pass\n", 1),
    "a decorator": ("from setuptools import setup\n@print\ndef f(): pass\n", 3),
    "setup of something else": ("import os as setuptools\nsetuptools.setup()\n", 1),
    "setup that nobody imported": ("setup()\n", 1),
    "an attribute of setup": ("import setuptools\nsetuptools.sandbox.setup()\n", 2),
    "an annotation": ("import setuptools\nx: print() = 1\n", 2),
    "a walrus": ("from setuptools import setup\nsetup(name=(x := print()))\n", 2),
}


@pytest.mark.parametrize("what", TRIVIAL)
def test_trivial(what: str) -> None:
    found = read_setup_py(TRIVIAL[what].encode(), unsafe_scm)
    assert (found.code, found.plugins) == ((), ())


@pytest.mark.parametrize("what", CODE)
def test_code(what: str) -> None:
    source, line = CODE[what]
    assert read_setup_py(source.encode(), unsafe_scm).code[0].line == line


@pytest.mark.parametrize(
    "source",
    [
        b"print 'Python 2'\n",
        b"\xff\xfe",
        b"# coding: latin-1\n\xe9",
        b"# coding: utf-7\nsetup()\n",
        b"\n# vim: set fileencoding=unicode_escape :\nx\n",
        b"from setuptools import setup\0\n",
        b"(" * 5000,
        b"-" * 100_000 + b"1",
        b"x" * 10 + b"\xf0",
        b"if " + b"(" * 150 + b"1" + b")" * 150 + b":\n    setup()",
    ],
)
def test_what_cannot_be_read_counts_as_code(source: bytes) -> None:
    assert read_setup_py(source, unsafe_scm).code


def test_warnings_about_the_text_stay_with_us() -> None:
    source = b"from setuptools import setup\nsetup(description='\\d')\n"
    assert read_setup_py(source, unsafe_scm).code == ()


@pytest.mark.parametrize("argument", ["True", "{'version_scheme': 'guess-next-dev'}", "{'write_to': 'a/_version.py'}"])
def test_a_plugin_that_is_asked_for(argument: str) -> None:
    found = read_setup_py(f"from setuptools import setup\nsetup(use_scm_version={argument})\n".encode(), unsafe_scm)
    assert found.code == ()
    assert [(one.line, "setuptools-scm" in one.what) for one in found.plugins] == [(2, True)]


class TestScm:
    @pytest.mark.parametrize(
        "options",
        [
            {"version_scheme": "evil:function"},
            {"local_scheme": "evil:function"},
            {"parse": "evil.function"},
            {"git_describe_command": "sh -c evil"},
            {"git_describe_command": ["git", "-c", "core.fsmonitor=evil", "describe"]},
            {"scm": {"git": {"describe_command": "evil"}}},
        ],
    )
    def test_leads_to_code(self, options: dict[str, object]) -> None:
        assert unsafe_scm(options)

    @pytest.mark.parametrize(
        "options",
        [
            True,
            None,
            "text",
            {},
            {"version_scheme": "no-guess-dev", "local_scheme": "no-local-version"},
            {"git_describe_command": "git describe --dirty --tags --long"},
            {"git_describe_command": ["git", "describe", "--match", "v*"]},
            {"write_to": "demo/_version.py", "root": ".."},
        ],
    )
    def test_does_not(self, options: object) -> None:
        assert unsafe_scm(options) is None


class TestSetupCfg:
    @pytest.mark.parametrize(
        ("source", "line"),
        [
            ("[options]\nsetup_requires = evil\n", 2),
            ("[options]\npackages = find:\nsetup-requires =\n  evil\n", 3),
            ("[options]\nSetup_Requires: evil\n", 2),
            ("[options]\ncmdclass =\n  build_py = evil.Command\n", 2),
            ("[global]\ncommand_packages = evil\n", 2),
            ("[global]\ncommand-packages = evil\n", 2),
            ("[global]\nsetup-hooks = evil.hook\n", 2),
            ("[build_py]\npre-hook.evil = evil.hook\n", 2),
            ("[DEFAULT]\nsetup_requires = evil\n[options]\nname = x\n", 2),
        ],
    )
    def test_leads_to_code(self, source: str, line: int) -> None:
        assert [one.line for one in read_setup_cfg(source.encode()).code] == [line]

    @pytest.mark.parametrize("source", [b"no section = 1\n", b"[a]\n[a]\n", b"[a]\nx = 1\nx = 2\n", b"\xff", b"[a\n"])
    def test_what_cannot_be_read_counts_as_code(self, source: bytes) -> None:
        assert read_setup_cfg(source).code

    def test_describing_is_harmless(self) -> None:
        described = b"[metadata]\nname = demo\nversion = 1.0\n"
        source = described + b"[options]\npackages = find:\nsetup_requires =\n[bdist_wheel]\nuniversal = 1\n"
        assert read_setup_cfg(source).code == ()

    def test_an_attribute_and_where_packages_lie(self) -> None:
        setup = read_setup_cfg(
            b"[metadata]\nname = demo\nversion = attr: demo.__version__\n"
            b"[options]\npackage_dir =\n  = lib\n  demo=code/demo\n[options.packages.find]\nwhere = more\n"
        )
        (one,) = setup.attributes
        assert (one.line, one.path) == (3, "demo.__version__")
        assert setup.package_dir == (("", "lib"), ("demo", "code/demo"), ("", "more"))

    def test_a_carriage_return_ends_a_comment_as_it_does_for_setuptools(self) -> None:
        setup = read_setup_cfg(
            b"[metadata]\nname = demo\n# harmless\rversion = attr: demo.v\r[options]\rcmdclass = x\n"
        )
        assert [one.path for one in setup.attributes] == ["demo.v"]
        assert [one.line for one in setup.code] == [6]

    def test_an_alias_of_a_command_that_builds_is_code_and_others_are_not(self) -> None:
        assert read_setup_cfg(b"[aliases]\nbdist_wheel = test bdist_wheel\n").code
        assert read_setup_cfg(b"[aliases]\ntest = pytest\nrelease = sdist bdist_wheel\n").code == ()

    def test_what_pbr_compiles_is_code(self) -> None:
        assert read_setup_cfg(b"[extension=fast]\nsources = fast.c\n").code


class TestModules:
    @pytest.mark.parametrize(
        ("source", "any_literal", "text"),
        [
            ("x = '1'\n", True, True),
            ("'''Doc.'''\nimport os\nx: str = '1'\n", True, False),
            ("x = ''\n", True, False),
            ("x = 'a' 'b'\n", True, True),
            ("y = x = '1'\n", True, True),
            ("x = (1, 2)\n", True, False),
            ("x = '1'\nx = f()\n", True, True),
            ("x = f()\nx = '1'\n", False, False),
            ("from a import x\n", False, False),
            ("if True:\n    x = '1'\n", False, False),
            ("x, y = '1', '2'\n", False, False),
            ("x: str\n", False, False),
            ("", False, False),
            ("not Python", False, False),
        ],
    )
    def test_literals(self, source: str, any_literal: bool, text: bool) -> None:
        assert is_literal(source.encode(), "x") is any_literal
        assert is_text(source.encode(), "x") is text

    def test_docstrings(self) -> None:
        assert has_docstring(b"'''About.'''\n")
        assert not has_docstring(b"x = 1\n'''About.'''\n")
        assert not has_docstring(b"(")
