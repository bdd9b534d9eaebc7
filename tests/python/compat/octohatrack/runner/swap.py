"""Puts `from outlive import memoise` in the place of octohatrack's own decorator, and changes nothing else.

The decorator stands in the midst of `octohatrack/helpers.py`: a dict, its file, the save at exit and `memoise`.
These statements are taken out while the module is imported. What stands around them stays, above all the branch
that `--no-cache` takes.
"""

from __future__ import annotations

import ast
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType

MODULE = "octohatrack.helpers"
#: The names that the decorator is made of. A statement that binds or calls one of them belongs to it.
NAMES = {"cache_file", "cache", "save_cache", "memoise"}
#: What stands in its place: the drop-in, or the same over another store, which the drop-in does not have.
BRIDGES = {
    "outlive": "from outlive import memoise",
    "database": "memoise = __import__('outlive').Cache('cache_file.db').memoise(key='first')",
}


def install(decorator: str) -> None:
    """From now on, importing octohatrack's helpers gives them outlive's decorator."""
    sys.meta_path.insert(0, _Finder(BRIDGES[decorator]))


class _Finder(MetaPathFinder):
    def __init__(self, bridge: str) -> None:
        self._bridge = bridge

    def find_spec(
        self, name: str, path: object = None, _target: object = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self._bridge)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, bridge: str) -> None:
        super().__init__(name, path)
        self._bridge = bridge

    def get_code(self, _name: str) -> CodeType:
        """Always from the source: a compiled file in the folder holds the original decorator."""
        tree = ast.parse(self.get_data(self.path), self.path)
        return compile(swapped(tree, self._bridge), self.path, "exec")


def swapped(tree: ast.Module, bridge: str = BRIDGES["outlive"]) -> ast.Module:
    """The module with outlive's decorator; ValueError if its own was not found in exactly one place."""
    # From 0.3.1 on, it is the first branch of `if "--no-cache" not in sys.argv:`.
    blocks = [tree.body] + [
        node.body for node in tree.body if isinstance(node, ast.If) and not _belongs(node)
    ]
    places = [block for block in blocks if any(_belongs(statement) for statement in block)]
    if len(places) != 1:
        message = f"the decorator was found in {len(places)} places of {MODULE}"
        raise ValueError(message)
    (block,) = places
    (statement,) = ast.parse(bridge).body
    block[:] = [
        statement if _name(each) == "memoise" else each for each in block if not _dropped(each)
    ]
    return ast.fix_missing_locations(tree)


def _dropped(statement: ast.stmt) -> bool:
    return _belongs(statement) and _name(statement) != "memoise"


def _name(statement: ast.stmt) -> str | None:
    return statement.name if isinstance(statement, ast.FunctionDef) else None


def _belongs(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name=name):
            return name in NAMES
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in NAMES
        case ast.If(test=part) | ast.Expr(value=ast.Call() as part):
            return any(isinstance(node, ast.Name) and node.id in NAMES for node in ast.walk(part))
    return False
