"""What setup.py and setup.cfg would run, by reading them alone: the syntax of the one, the options of the other."""

from __future__ import annotations

import ast
import configparser
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# Arguments of setup() that only describe (setuptools keywords). Any other may be a plugin's, and lead to code.
_DESCRIBING = frozenset(
    re.findall(
        r"\w+",
        """
    author author_email classifiers data_files dependency_links description download_url entry_points
    exclude_package_data extras_require include_package_data install_requires keywords license license_file
    license_files long_description long_description_content_type maintainer maintainer_email name namespace_packages
    obsoletes package_data package_dir packages platforms project_urls provides provides_extra py_modules
    python_requires requires scripts test_suite tests_require url version zip_safe
""",
    )
)
_PLUGINS = {"use_scm_version": "setuptools-scm", "pbr": "pbr"}
_RUNNING_OPTIONS = frozenset(
    {"setup_requires", "cmdclass", "ext_modules", "setup_hooks", "command_packages", "commands"}
)
# Commands that building a wheel runs: an alias puts others in the place of them.
BUILDING = frozenset({"bdist_wheel", "dist_info", "egg_info", "editable_wheel", "sdist"})
# And those that write files of the sdist, code among them, into folders that options name.
WRITING = frozenset({"build", "build_py", "build_scripts", "egg_info", "dist_info", "bdist_wheel"})
_HOOKS = ("pre_hook", "post_hook")  # as d2to1 and pbr have them, with the name of a command after a dot
_ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = frozenset({"utf-8", "utf8", "utf_8", "ascii", "us-ascii"})
_LONGEST_LINE = 2000  # the time that configparser takes for a line grows with the square of its length
# What can nest a syntax tree: Python 3.10 crashes over some 100,000 levels, where later ones raise an error.
_NESTING = re.compile(r"[-+*/%&|^~@.(\[{]|\b(?:not|lambda|else|elif|await)\b")
_MOST_NESTING = 20_000
_QUIET = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something that matters to the build. `line` from 1, None where no single one says it."""

    line: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A value that setuptools reads out of a module: without running it, where it is a literal.

    `path`: `package.module.name`
    """

    line: int | None
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """code: what would run; plugins: what others would run for it; attributes: to be looked up in its modules.

    package_dir: (package, folder) for each package that is said to lie elsewhere; the package "" is all of them
    """

    code: tuple[Sign, ...]
    plugins: tuple[Sign, ...]
    attributes: tuple[Attribute, ...] = ()
    package_dir: tuple[tuple[str, str], ...] = ()


def read_setup_py(source: bytes, unsafe_scm: Callable[[Any], str | None]) -> Setup:
    """Trivial: imports of setuptools and `setup()` with literals; everything else is code. Never raises.

    unsafe_scm: why the options of setuptools-scm lead to code, None where they do not
    """
    tree = parsed(source)
    if isinstance(tree, str):
        return Setup(code=(Sign(line=None, what=tree),), plugins=())
    reading = _Reading(unsafe_scm)
    for statement in tree.body:
        reading.statement(statement)
    return Setup(code=tuple(reading.code), plugins=tuple(reading.plugins), package_dir=tuple(reading.package_dir))


def parsed(source: bytes) -> ast.Module | str:
    """The syntax tree, or why there is none. Line ends as a Python file has them, whatever the system."""
    try:
        text = source.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start})"
    for line in text.split("\n", 2)[:2]:
        declared = _ENCODING.match(line)
        if declared and declared[1].lower() not in _UTF8:
            return f"is in an encoding of its own ({declared[1][:40]!r}), which could hide code"
    if sum(1 for _ in _NESTING.finditer(text)) > _MOST_NESTING:
        return "is too intricate to be read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the text, which is not ours
            return ast.parse(text)
    except _QUIET as error:
        return f"is not Python as it is today ({type(error).__name__})"


class _Reading:
    def __init__(self, unsafe_scm: Callable[[Any], str | None]) -> None:
        self.code: list[Sign] = []
        self.plugins: list[Sign] = []
        self.package_dir: list[tuple[str, str]] = []
        self._unsafe_scm = unsafe_scm
        self._modules: set[str] = set()
        self._functions: set[str] = set()

    def statement(self, one: ast.stmt) -> None:
        """At the top level, or under `if __name__ == "__main__":`, which is how it is run."""
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            return
        if isinstance(one, ast.Import | ast.ImportFrom) and self._imports(one):
            return
        if isinstance(one, ast.If) and _is_main(one):
            for inner in one.body:
                self.statement(inner)
            return
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and self._is_setup(one.value.func):
            self._arguments(one.value)
            return
        self._add(one, _words(one))

    def _imports(self, one: ast.Import | ast.ImportFrom) -> bool:
        if isinstance(one, ast.Import):
            self._modules.update(alias.asname or alias.name for alias in one.names)
            return all(alias.name == "setuptools" for alias in one.names)
        if one.level == 0 and one.module == "__future__":
            return True
        self._functions.update(alias.asname or alias.name for alias in one.names if alias.name == "setup")
        known = {"setup", "find_packages", "find_namespace_packages"}
        return one.level == 0 and one.module == "setuptools" and all(alias.name in known for alias in one.names)

    def _is_setup(self, function: ast.expr) -> bool:
        if isinstance(function, ast.Attribute):
            return (
                function.attr == "setup" and isinstance(function.value, ast.Name) and function.value.id in self._modules
            )
        return isinstance(function, ast.Name) and function.id in self._functions

    def _arguments(self, call: ast.Call) -> None:
        for positional in call.args:
            self._add(positional, "setup() is called with something that is no named argument")
        for keyword in call.keywords:
            self._argument(keyword)

    def _argument(self, keyword: ast.keyword) -> None:
        name = keyword.arg
        if name is None:
            return self._add(keyword.value, "setup() is called with something that is no named argument")
        try:
            value = ast.literal_eval(keyword.value)
        except (*_QUIET, TypeError):
            return self._add(keyword.value, f"setup() is called with {name[:60]} = something that is no literal")
        if name in _PLUGINS:
            return self._plugin(keyword, name, value)
        if name == "package_dir" and isinstance(value, dict):
            self.package_dir += [(str(package), str(folder)) for package, folder in value.items()]
        if name not in _DESCRIBING:
            self._add(keyword.value, f"setup() is called with {name[:60]}, which leads to code")
        return None

    def _plugin(self, keyword: ast.keyword, name: str, value: Any) -> None:
        if why := self._unsafe_scm(value):
            self._add(keyword.value, why)
        else:
            self.plugins.append(Sign(line=keyword.value.lineno, what=f"{name} leads to the plugin {_PLUGINS[name]}"))

    def _add(self, node: ast.stmt | ast.expr, what: str) -> None:
        self.code.append(Sign(line=node.lineno, what=what))


def _is_main(one: ast.If) -> bool:
    """`if __name__ == "__main__":`, and no else."""
    test = one.test
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and [type(operator) for operator in test.ops] == [ast.Eq]
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
        and not one.orelse
    )


def _words(one: ast.stmt) -> str:
    """The kind of a statement; its text may be long, and is not ours."""
    if isinstance(one, ast.ImportFrom) and one.module == "setuptools" and one.level == 0:
        return "an import of more than setup and find_packages"
    names = {
        ast.Import: "an import that is not setuptools'",
        ast.ImportFrom: "an import that is not setuptools'",
        ast.FunctionDef: "a function",
        ast.ClassDef: "a class",
        ast.Assign: "an assignment",
        ast.With: "a with statement",
        ast.If: "a condition",
        ast.Try: "a try statement",
        ast.Expr: "a call that is not setup(), or another expression",
    }
    return names.get(type(one), "a statement that is neither an import nor setup()")


def read_setup_cfg(source: bytes) -> Setup:
    """The options that lead to code, as setuptools reads the file. Never raises."""
    try:
        # setuptools opens it as a text, in which a "\r" alone ends a line, and so a comment.
        text = source.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        if max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
            return Setup(code=(Sign(line=None, what=f"has a line of more than {_LONGEST_LINE} letters"),), plugins=())
        parser = configparser.RawConfigParser()
        parser.read_string(text)
    except (configparser.Error, UnicodeDecodeError, ValueError) as error:
        return Setup(code=(Sign(line=None, what=f"cannot be read ({type(error).__name__})"),), plugins=())
    return Setup(
        code=tuple(_running(parser, text)),
        plugins=(),
        attributes=tuple(_attributes(parser, text)),
        package_dir=tuple(_folders(parser)),
    )


def _running(parser: configparser.RawConfigParser, text: str) -> Iterator[Sign]:
    for section in parser.sections():
        for option in parser.options(section):
            key = option.replace("-", "_")
            runs = key in _RUNNING_OPTIONS or key.startswith(_HOOKS) or (section == "aliases" and key in BUILDING)
            if runs and parser.get(section, option).strip():
                yield Sign(line=_line(text, option), what=f"{option[:60]} in [{section[:60]}] leads to code")
            elif section in WRITING and leads_out(parser.get(section, option)):
                yield Sign(line=_line(text, option), what=f"{option[:60]} in [{section[:60]}] leads out of the sdist")
        if section.startswith("extension"):
            yield Sign(line=None, what=f"[{section[:60]}] is compiled, by pbr and its like")


def leads_out(path: object) -> bool:
    """Whether an option that may be a path is one to somewhere outside of the sdist."""
    text = str(path).strip().replace("\\", "/")
    return text.startswith(("/", "~")) or text[1:3] == ":/" or ".." in text.split("/")


def _attributes(parser: configparser.RawConfigParser, text: str) -> Iterator[Attribute]:
    version = parser.get("metadata", "version", fallback="").strip()
    if not version.startswith("attr:"):
        return
    yield Attribute(line=_line(text, "version"), path=version[5:].strip())


def _folders(parser: configparser.RawConfigParser) -> Iterator[tuple[str, str]]:
    """Of the packages: `package_dir`, and where they are looked for, which setuptools takes for the same."""
    for key in ("package_dir", "package-dir"):
        for one in re.split(r"[\n,]", parser.get("options", key, fallback="")):
            name, equals, folder = one.partition("=")
            if equals:
                yield name.strip(), folder.strip()
    for one in re.split(r"[\n,]", parser.get("options.packages.find", "where", fallback="")):
        if one.strip():
            yield "", one.strip()


def _line(text: str, option: str) -> int | None:
    wanted = re.compile(rf"{re.escape(option)}\s*[=:]", re.IGNORECASE)
    return next((number for number, line in enumerate(text.split("\n"), 1) if wanted.match(line)), None)


def is_literal(source: bytes, name: str) -> bool:
    """Whether setuptools evaluates `name` by itself: its first assignment at the top (config/expand.py)."""
    for one in _assignments(source, name):
        try:
            ast.literal_eval(one.value or ast.Name(id=name))
        except (*_QUIET, TypeError):
            return False
        return True
    return False


def is_text(source: bytes, name: str) -> bool:
    """Whether flit reads `name` by itself: one string, and before version 4 not with a type (flit_core/common.py)."""
    one = next(_assignments(source, name), None)
    return isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) and _is_some_text(one.value.value)


def _is_some_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _assignments(source: bytes, name: str) -> Iterator[ast.Assign | ast.AnnAssign]:
    tree = parsed(source)
    for one in tree.body if isinstance(tree, ast.Module) else ():
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if isinstance(one, ast.Assign | ast.AnnAssign) and named and one.value is not None:
            yield one


def has_docstring(source: bytes) -> bool:
    tree = parsed(source)
    return isinstance(tree, ast.Module) and bool(ast.get_docstring(tree))
