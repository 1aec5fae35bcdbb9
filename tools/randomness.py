"""Find where a cell draws random numbers, by reading its syntax tree.

Names decide: torch.rand*, nn.init.*_, layers whose constructor initialises weights,
and functions or classes of the same notebook that do any of it without seeding. What
stands under `torch.device("meta")` draws nothing. Nothing is executed.
"""

import ast
import re

TORCH = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like"} | {
    *("randint_like", "normal", "bernoulli", "multinomial", "poisson"),
}
RANDOM = {"random", "randint", "choice", "choices", "shuffle", "sample", "uniform"} | {
    *("gauss", "randrange", "normalvariate"),
}
IN_PLACE = re.compile(
    r"(log_|trunc_|xavier_|kaiming_)?(normal|uniform)_"
    r"|(exponential|cauchy|geometric|random|bernoulli|orthogonal|sparse)_"
)
LAYERS = re.compile(
    r"(Lazy)?(Linear|Conv(Transpose)?[123]d)|Bilinear|Embedding(Bag)?"
    r"|(RNN|LSTM|GRU)(Cell)?|MultiheadAttention|Transformer\w*"
)
LOOKS_ONLY = {"isinstance", "issubclass", "print", "type", "repr", "help", "signature"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Effects = dict[str, str]  # name of a function or class: "draws" or "seeds"
Event = tuple[int, str, str]  # line, name, "draws" or "seeds"


def first_event(tree: ast.Module, known: Effects) -> Event | None:
    """Return the first thing a cell does with random numbers, if any.

    `known` says what the notebook's own functions and classes do first when called;
    what this cell defines is entered there.
    """
    first = None
    for node in tree.body:
        first = first or next(iter(events(node, known)), None)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            known.pop(node.name, None)
            if effect := effect_of(node, known):
                known[node.name] = effect
    return first


def effect_of(node: ast.stmt, known: Effects) -> str:
    """Tell what calling this function, or making this object, does first."""
    if isinstance(node, ast.ClassDef):
        made = [n for n in node.body if getattr(n, "name", "") == "__init__"]
        effects = [called(base, known) for base in node.bases]
        effects += [effect_of(function, known) for function in made]
        return next(filter(None, effects), "")
    first = first_event(ast.Module(body=node.body, type_ignores=[]), dict(known))
    return first[2] if first else ""


def events(node: ast.AST, known: Effects) -> list[Event]:
    """Return every draw and seed executed in `node`, inner ones first."""
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        return []  # defined, not executed
    if isinstance(node, ast.With) and any(map(is_meta, node.items)):
        return []
    found = []
    for child in ast.iter_child_nodes(node):
        found += events(child, known)
    if isinstance(node, ast.Call) and not any(map(is_meta, node.keywords)):
        word = name(node.func)
        if effect := called(node.func, known):
            found.append((node.lineno, word, effect))
        elif word not in LOOKS_ONLY:
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                if effect := handed_over(value, known):
                    found.append((value.lineno, name(value), effect))
    return found


def called(function: ast.expr, known: Effects) -> str:
    """Tell whether calling `function` "draws" or "seeds", or "" for neither."""
    word, owner = name(function), name(getattr(function, "value", None))
    if word in ("manual_seed", "seed"):
        return "seeds"
    if (
        word in ("reset_parameters", "dropout")
        or (owner == "torch" and word in TORCH)
        or (owner == "random" and word in RANDOM)
        or IN_PLACE.fullmatch(word)
        or LAYERS.fullmatch(word)
    ):
        return "draws"
    return known.get(word, "")


def handed_over(argument: ast.expr, known: Effects) -> str:
    """Tell what a function handed over as an argument will do when it is called."""
    word = name(argument)
    return "draws" if IN_PLACE.fullmatch(word) else known.get(word, "")


def is_meta(node: ast.AST) -> bool:
    """Tell whether a with item or keyword says device "meta"."""
    if isinstance(node, ast.keyword) and node.arg != "device":
        return False
    constants = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return "meta" in constants


def name(node: ast.AST | None) -> str:
    """Return the last part of a dotted name: "Linear" of nn.Linear."""
    return getattr(node, "attr", None) or getattr(node, "id", "")
