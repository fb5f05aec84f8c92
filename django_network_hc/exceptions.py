"""What goes wrong, by name."""

__all__ = ["InputError", "NetworkHcError"]


class NetworkHcError(Exception):
    """The parent of all errors of this app."""


class InputError(NetworkHcError):
    """
    A file is not what it should be; whoever sends it can mend it.

    Attributes:
        file: its name.
        sheet: within it; "" for none.
        row: as the program that made it counts them, from 1; None for the whole sheet.
        column: its header; "" for the whole row.
        problem: what is wrong, and the way out.
    """

    def __init__(
        self, file: str, problem: str, *, sheet: str = "", row: int | None = None, column: str = ""
    ) -> None:
        places = [
            file,
            f"sheet {sheet!r}" if sheet else "",
            f"row {row}" if row is not None else "",
            f"column {column!r}" if column else "",
        ]
        super().__init__(f"{', '.join(one for one in places if one)}: {problem}")
        self.file, self.sheet, self.row, self.column = file, sheet, row, column
        self.problem = problem
