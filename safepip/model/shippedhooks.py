"""The start-up hooks of popular projects that safepip knows, line by line, from the wheels that they publish.

They are no grant of any layer: a policy need not repeat them and `[limits]` does not bar them. What such a line calls
lies in the same wheel, and is as good as the rest of it.
"""

from __future__ import annotations

from safepip.model.grants import HookGrant, folded
from safepip.model.ident import ProjectName

_PLACE = "shipped with safepip"
_SETUPTOOLS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, '{}') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();"
)
_FIRST_SETUPTOOLS = (
    "import os; enabled = os.environ.get('SETUPTOOLS_USE_DISTUTILS') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();"
)
_COVERAGE = (
    "import sys; exec('import os\\n\\n"
    'if os.getenv("COVERAGE_PROCESS_START") or os.getenv("COVERAGE_PROCESS_CONFIG"):\\n try:\\n  import coverage\\n'
    ' except:\\n  pass\\n else:\\n  coverage.process_startup(slug="pth")\')'
)
_COLOREDLOGS = (
    """import os; exec('try: __import__("coloredlogs").auto_install() """
    """if os.environ.get("COLOREDLOGS_AUTO_INSTALL") else None\\nexcept ImportError: pass')"""
)
_FIRST_COVERAGE = (
    "import sys; exec('\\n\\n\\n\\n\\n\\nimport os\\n\\n"
    'if os.getenv("COVERAGE_PROCESS_START") or os.getenv("COVERAGE_PROCESS_CONFIG"):\\n try:\\n  import coverage\\n'
    ' except:\\n  pass\\n else:\\n  coverage.process_startup(slug="pth")\\n\')'
)
# What setuptools wrote, and what it writes now, for a project that declares a namespace package. Only for names that
# are known: the same line with the name of another module would take that module's place.
_NAMESPACE = (
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);"
    "p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('{0}',));"
    "importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');"
    "m = has_mfs and sys.modules.setdefault('{0}', importlib.util.module_from_spec("
    "importlib.machinery.PathFinder.find_spec('{0}', [os.path.dirname(p)])));"
    "m = m or sys.modules.setdefault('{0}', types.ModuleType('{0}'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)"
)
_NEW_NAMESPACE = _NAMESPACE.replace("has_mfs = sys.version_info > (3, 5);", "").replace("has_mfs and ", "")
_LINES = (
    ("setuptools", _SETUPTOOLS.format("local")),
    ("setuptools", _SETUPTOOLS.format("stdlib")),
    ("setuptools", _FIRST_SETUPTOOLS),
    ("coverage", _COVERAGE),
    ("coverage", _FIRST_COVERAGE),
    ("coloredlogs", _COLOREDLOGS),
    ("cmeel", "import cmeel_pth"),
    ("cmeel", "import cmeel.pth"),
    ("sphinxcontrib-jsmath", _NAMESPACE.format("sphinxcontrib")),
    ("logilab-common", _NEW_NAMESPACE.format("logilab")),
    ("zope-event", _NAMESPACE.format("zope")),
    ("zope-interface", _NAMESPACE.format("zope")),
    ("zope-interface", _NEW_NAMESPACE.format("zope")),
)

SHIPPED = tuple(
    HookGrant(project=ProjectName.parse(name), line=folded(line), place=_PLACE, shipped=True) for name, line in _LINES
)
