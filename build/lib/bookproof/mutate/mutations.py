"""Alter a code cell in one place: a constant, an operator, a keyword, a call.

It reads source and returns altered sources; nothing is executed. Left alone are
docstrings, imports, annotations, the literal text and the formats of f-strings, and
IPython's % lines: altered, they show at once or change nothing that is taught.
"""

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

from bookproof.book import Page

COMPARISONS = {
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
SYMMETRIC = {"equal", "allclose", "isclose"}  # exchanging arguments changes nothing
CHANGE_LENGTH = 60  # characters of context that say where a change is


@dataclass(frozen=True)
class Mutant:
    """A cell altered in one place."""

    cell: str  # its id
    line: int
    change: str  # "before → after"
    source: str


@dataclass(frozen=True)
class Place:
    """A node of the tree and where it hangs."""

    node: ast.AST
    above: tuple[ast.AST, ...]  # from the node's parent up to the module
    field: str
    index: int | None  # in a list

    @contextmanager
    def holding(self, node: ast.AST | None) -> Iterator[None]:
        """Let the tree have `node` (or, for None, nothing) in this place."""
        parent = self.above[0]
        before = getattr(parent, self.field)
        after = node
        if self.index is not None:
            after = list(before)
            after[self.index : self.index + 1] = [] if node is None else [node]
        setattr(parent, self.field, after)
        try:
            yield
        finally:
            setattr(parent, self.field, before)


def parse(source: str) -> ast.Module:
    """Return the tree of a cell, its % lines turned into calls."""
    return ast.parse(TransformerManager().transform_cell(source))


def places(node: ast.AST, above: tuple = ()) -> Iterator[Place]:
    """Yield every place that may be altered, outer ones first."""
    for field, value in ast.iter_fields(node):
        many = value if isinstance(value, list) else [value]
        for index, child in enumerate(many):
            if not isinstance(child, ast.AST) or left_alone(child, node, field):
                continue
            place = Place(
                child, (node, *above), field, index if many is value else None
            )
            yield place
            yield from places(child, place.above)


def left_alone(node: ast.AST, parent: ast.AST, field: str) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(parent, ast.JoinedStr) and isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Expr) and "get_ipython()" in ast.unparse(node):
        return True
    imports = isinstance(node, (ast.Import, ast.ImportFrom))
    return imports or field in ("annotation", "returns", "format_spec", "ctx")


def alternatives(place: Place, modules: set[str]) -> Iterator[ast.AST | None]:
    """Yield what may stand in this place instead; None stands for nothing."""
    node = place.node
    match node:
        case ast.Constant():
            for value in other_values(node.value):
                if not (value == -1 and is_index(place)):
                    yield ast.Constant(value)
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS[type(operator)]:
                yield replaced(node, ops=[other()])
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() if type(node.op) in OPERATORS:
            yield replaced(node, op=OPERATORS[type(node.op)]())
            if isinstance(node, ast.AugAssign):
                yield ast.Pass()
        case ast.UnaryOp(operand=operand) if not isinstance(operand, ast.Constant):
            yield operand
        case ast.keyword():
            yield None
        case ast.Call():
            if not isinstance(place.above[0], ast.Expr):  # there it is dropped
                yield from without_function(node, modules)
            yield from arguments_exchanged(node)
        case ast.Expr(value=ast.Call()) | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.withitem(optional_vars=None):
            nothing = ast.parse("__import__('contextlib').nullcontext()", mode="eval")
            yield replaced(node, context_expr=nothing.body)
    if place.field == "decorator_list":
        yield None
    if place.field == "test" and not isinstance(node, ast.Compare):
        yield ast.UnaryOp(ast.Not(), node)


def other_values(value: object) -> list:
    """Return what a constant is replaced with."""
    match value:
        case bool():
            return [not value]
        case None:
            return [0]
        case str():
            return [value + "x"]
        case int():
            return [value + 1, *([-value] if value else [])]
        case float():
            return [2 * value, -value] if value else [1.0]
    return []


def is_index(place: Place) -> bool:
    """Tell whether a number counts items or axes: of two, 1 and -1 are the same."""
    parent = place.above[0]
    axis = isinstance(parent, ast.keyword) and parent.arg in ("dim", "axis")
    return axis or isinstance(parent, ast.Subscript)


def without_function(node: ast.Call, modules: set[str]) -> Iterator[ast.AST]:
    """Yield the first argument of a call, and the object whose method it calls."""
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if ast.unparse(owner).split(".")[0] not in modules | {"super()"}:
            yield owner


def arguments_exchanged(node: ast.Call) -> Iterator[ast.AST]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    match node.args:
        case [first, second, *rest] if name not in SYMMETRIC:
            starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
            if not starred and ast.unparse(first) != ast.unparse(second):
                yield replaced(node, args=[second, first, *rest])


def replaced(node: ast.AST, **fields) -> ast.AST:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def unaltered(source: str) -> str:
    """Return a cell as it is written here when nothing is altered."""
    return ast.unparse(parse(source))


def mutants_of(page: Page) -> dict[str, list[Mutant]]:
    """Return every alteration of a notebook's code cells, by cell id."""
    modules = set().union(*(imported(parse(cell.source)) for cell in page.code))
    return {cell.id: mutants(cell.id, cell.source, modules) for cell in page.code}


def imported(tree: ast.Module) -> set[str]:
    """Return the names under which a cell imports modules and what is in them."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }


def mutants(cell_id: str, source: str, modules: set[str]) -> list[Mutant]:
    """Return every alteration of a cell, each source once.

    `modules` are names of modules: `nn.Linear(2, 2)` is not altered to `nn`.
    """
    tree = parse(source)
    seen, found = {ast.unparse(tree)}, []
    for place in list(places(tree)):
        shown = context(place)
        before = ast.unparse(shown)
        for other in alternatives(place, modules):
            with place.holding(other):
                text = ast.unparse(ast.fix_missing_locations(tree))
                now = other if shown is place.node else shown
                after = ast.unparse(now) if now else "nothing"
            if text not in seen:
                seen.add(text)
                change = f"{before} → {after}"
                found.append(Mutant(cell_id, line_of(place), change, text))
    return found


def context(place: Place) -> ast.AST:
    """Return the node that shows a change best: the parent, if it is short."""
    parent = place.above[0]
    shows = isinstance(parent, ast.expr | ast.keyword | ast.Assign | ast.Return)
    short = shows and len(ast.unparse(parent)) <= CHANGE_LENGTH
    return parent if short else place.node


def line_of(place: Place) -> int:
    nodes = (place.node, *place.above)
    return next(node.lineno for node in nodes if hasattr(node, "lineno"))
