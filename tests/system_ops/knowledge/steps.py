"""Steps as sites write them; some with faults."""

from decimal import Decimal
from typing import Any

Row = dict[str, Any]


class Split:
    """1.0 to 1.9: the title's first word becomes the slug."""

    from_version, to_version = "1.0", "1.9"

    def forward(self, rows: list[Row]) -> None:
        """Take it out."""
        for row in rows:
            first, _, rest = row["title"].partition(" ")
            row["slug"], row["title"] = f"{first}-{row['id']}", rest

    def backward(self, rows: list[Row]) -> None:
        """Put it back."""
        for row in rows:
            first = row["slug"].rpartition("-")[0]
            row["title"], row["slug"] = f"{first} {row['title']}", None

    def validate(self, rows: list[Row]) -> Any:
        """Want titles."""
        for row in rows:
            if not row["title"]:
                yield row, "has no title"


class Price:
    """1.9 to 1.10: all kinds of columns; without a way back."""

    from_version, to_version = "1.9", "1.10"

    def forward(self, rows: list[Row]) -> None:
        """Change them."""
        for row in rows:
            row["data"]["nested"].append({"id": row["id"], "é": None})
            row["price"] = Decimal(row["id"]) / 4
            row["blob"] = bytes(row["blob"]) + b"\x00\xff"
            row["seen_at"] = row["seen_at"].replace(year=2001)

    def validate(self, rows: list[Row]) -> Any:
        """Want prices."""
        return [(row, f"costs {row['price']}") for row in rows if row["price"] is None]


class Shout:
    """1.10 to 2.0, with a way back that loses something."""

    from_version, to_version = "1.10", "2.0"

    def forward(self, rows: list[Row]) -> None:
        """Write large."""
        for row in rows:
            row["title"] = row["title"].upper()

    def backward(self, rows: list[Row]) -> None:
        """Write small."""
        for row in rows:
            row["title"] = row["title"].lower()


class Nothing:
    """1.0 to 1.9: only the version changes; no validator."""

    from_version, to_version = "1.0", "1.9"

    def forward(self, rows: list[Row]) -> None:
        """Leave all as it is."""


class Shortcut(Shout):
    """1.0 to 2.0 at once."""

    from_version = "1.0"


class Side(Shout):
    """1.0 to 1.5, where nothing leads on."""

    from_version, to_version = "1.0", "1.5"


class Downwards(Shout):
    """To an older one."""

    from_version, to_version = "2.0", "1.0"


class Spelled(Shout):
    """2 is 2.0."""

    to_version = "2"


class Wordy(Shout):
    """No number."""

    to_version = "next"


class Long(Shout):
    """Longer than the column."""

    to_version = "2.0.0.0.0.1"


class Same(Split):
    """The same way as Split."""


class Faulty(Split):
    """What a step may get wrong: what it does is written in the title."""

    backward = None  # type: ignore[assignment]  # the parent has one

    def forward(self, rows: list[Row]) -> Any:  # noqa: C901, PLR0912  # one line for each fault
        """Do it."""
        for row in list(rows):
            fault = row["title"].split()[0]
            if fault == "raise":
                raise KeyError("colour")
            if fault == "return":
                return rows
            if fault == "drop":
                rows.remove(row)
            if fault == "key":
                row["id"] += 1
            if fault == "add":
                row["colour"] = "red"
            if fault == "long":
                row["title"] = "x" * 41
            if fault == "null":
                row["title"] = None
            if fault == "decimal":
                row["price"] = "cheap"
            if fault == "json":
                row["data"] = {"a set": {1}}
            if fault == "twice":
                row["slug"] = "same"
            if fault == "tenant":
                row["tenant_id"] = "nobody"
            if fault == "swap":
                rows.reverse()
        return None

    def validate(self, rows: list[Row]) -> Any:
        """Find it."""
        for row in rows:
            if row["title"].startswith("refused"):
                yield row, "is refused."
            if row["title"].startswith("odd"):
                yield row["id"]
            if row["title"].startswith("broken"):
                raise RuntimeError("the validator fails")


class Lacking:
    """No step."""

    from_version = "1.0"


instance = Split()


class Text:
    """Values as a file of text would have them."""

    from_version, to_version = "1.0", "1.9"

    def forward(self, rows: list[Row]) -> None:
        """Write them."""
        for row in rows:
            row["price"], row["seen_at"], row["slug"] = "7.5", "2020-01-01T00:00:00Z", 12


class Empty:
    """Values that are none."""

    from_version, to_version = "1.0", "1.9"

    def forward(self, rows: list[Row]) -> None:
        """Write them."""
        for row in rows:
            row["data"] = row["slug"] = None


class Kinds:
    """1.0 to 1.9: what JSON has other words for, and Python not."""

    from_version, to_version = "1.0", "1.9"

    def forward(self, rows: list[Row]) -> None:
        """Write them."""
        for row in rows:
            row["data"] = {"is_on": True, "size": 3.0, "list": [0, {"deep": 1}]}
