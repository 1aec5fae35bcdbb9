"""The report that `params_init` returns: plain data, shown as text or as a table."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, repr=False)
class InitReport:
    """What was written: a row (name, shape, rule, values) for each name of a parameter.

    >>> InitReport((("0.weight", (2, 3), "ones_", 6), ("0.bias", (2,), "0", 2)))
    parameter  shape   rule   values
    0.weight   (2, 3)  ones_       6
    0.bias     (2,)    0           2
    8 values written.
    """

    rows: tuple[tuple[str, tuple[int, ...], str, int], ...]
    statistics: tuple[str, ...] = ()  #: layers whose running statistics were reset

    @property
    def values(self) -> int:
        """How many values were written in all."""
        return sum(row[-1] for row in self.rows)

    def __repr__(self) -> str:
        table = self._table()
        a, b, c, d = (max(map(len, column)) for column in zip(*table, strict=True))
        a = min(a, max(20, 73 - b - c - d))  # of a long name the end is shown
        shown = [(n if len(n) <= a else "…" + n[1 - a :], *row) for n, *row in table]
        lines = [f"{n:{a}}  {s:{b}}  {r:{c}}  {v:>{d}}" for n, s, r, v in shown]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        rows = ["<td>".join(["", *map(escape, row)]) for row in self._table()]
        rows[0] = rows[0].replace("<td>", '<th scope="col">')
        return f"<table><tr>{'<tr>'.join(rows)}</table><p>{self._summary()}</p>"

    def _table(self) -> list[tuple[str, ...]]:
        rows = [(name, str(s), rule, f"{n:,}") for name, s, rule, n in self.rows]
        return [("parameter", "shape", "rule", "values"), *rows]

    def _summary(self) -> str:
        n = len(self.statistics)
        also = f"; running statistics of {n} layer{'s'[: n > 1]} reset" if n else ""
        return f"{self.values:,} values written{also}."
