"""A program: what pip itself makes of many wheels, each alone in a folder. Prints one word for each, in order."""

from __future__ import annotations

import sys
from pathlib import Path

from pip._internal.models.scheme import SCHEME_KEYS, Scheme
from pip._internal.operations.install.wheel import install_wheel


def main(folder: Path) -> None:
    for place in sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: int(path.name)):
        (wheel,) = place.glob("*.whl")
        try:
            install_wheel(
                "demo", str(wheel), Scheme(**{key: str(place / key) for key in SCHEME_KEYS}), "demo", pycompile=False
            )
        except Exception as error:  # noqa: BLE001 - whatever pip stumbles over, it did not install
            print(f"refused-{type(error).__name__}")
        else:
            print("installed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
