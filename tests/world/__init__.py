"""One test world: projects and their files, behind the ports in memory or behind a real server on loopback."""

from tests.world.artifacts import rebuilt, sdist, wheel
from tests.world.memory import MemoryCatalog
from tests.world.server import Fault, WorldServer
from tests.world.world import Published, Shelf, World

__all__ = ["Fault", "MemoryCatalog", "Published", "Shelf", "World", "WorldServer", "rebuilt", "sdist", "wheel"]
