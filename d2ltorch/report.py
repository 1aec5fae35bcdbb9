"""The report that `params_init` returns: plain data, shown as text or as a table."""

from typing import NamedTuple

_HEAD = ("parameter", "shape", "rule", "values")
_WIDTH = 79


class InitRow(NamedTuple):
    """What happened to one parameter."""

    name: str
    shape: tuple[int, ...]
    rule: str  #: such as "normal_(std=0.01)", "0", "tied to 0.weight", "left alone"
    values: int  #: how many values were written under this name


class InitReport:
    """What `params_init` did: one row for each name, in the order of the model.

    ``print(report)`` gives aligned text of at most 79 columns (a long name loses its
    beginning, a long rule its end); JupyterLab shows a table. Neither contains anything
    that differs between two runs or two machines.

    Attributes:
        rows: tuple of `InitRow`, that is (name, shape, rule, values).
        values: how many values were written in all.
        statistics: names of normalisation layers whose running statistics start afresh.
    """

    def __init__(self, rows: list[InitRow], statistics: list[str]) -> None:
        self.rows = tuple(rows)
        self.values = sum(row.values for row in rows)
        self.statistics = tuple(statistics)

    def __repr__(self) -> str:
        table = [_HEAD, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        # Too wide: first the names give way, then the rules, then the shapes.
        for column, least in ((0, 20), (2, 20), (1, 9), (0, 9), (2, 9)):
            excess = sum(widths) + 2 * (len(widths) - 1) - _WIDTH
            widths[column] -= max(0, min(excess, widths[column] - least))
        lines = []
        for name, shape, rule, values in table:
            if len(name) > widths[0]:
                name = "…" + name[1 - widths[0] :]
            cells = [name.ljust(widths[0])]
            for text, width in ((shape, widths[1]), (rule, widths[2])):
                cells.append(
                    text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
                )
            lines.append("  ".join([*cells, values.rjust(widths[3])]))
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        from html import escape  # torch has not imported it, and few calls need it

        right = ' style="text-align: right"'
        head = "".join(f'<th scope="col">{text}</th>' for text in _HEAD)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(text)}</td>" for text in cells[:-1])
            + f"<td{right}>{cells[-1]}</td></tr>"
            for cells in self._cells()
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape(self._summary())}</p>"
        )

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [(r.name, str(r.shape), r.rule, f"{r.values:,}") for r in self.rows]

    def _summary(self) -> str:
        layers = len(self.statistics)
        also = f"; running statistics of {layers} layer{'s'[: layers > 1]} reset"
        return f"{self.values:,} values written{also if layers else ''}."
