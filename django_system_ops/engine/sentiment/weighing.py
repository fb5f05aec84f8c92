"""
How the words of a text add up.

The same rules for every language; which words deny, strengthen or turn stands in its lexicon.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django_system_ops.engine.sentiment.lexicon import Entry, Kind, Mend, valued

__all__ = ["DRAWN_OUT", "Weighing"]

# How many words on a "not" still reaches, and a "very", and "solved", and how far back this does.
_NEGATION_REACH, _BOOST_REACH, _MEND_REACH = 5, 2, 4
# How far back somebody may have asked for it: "would it please be solved", "cómo lo arreglo".
_ASK_REACH, _ASK_HOW_REACH = 4, 2
# How close "badly" has to be to spoil it: "fixed it badly".
_SPOIL_REACH = 2
# How far from its "until" stands how things were, and that they are solved now.
_PAST_REACH, _END_REACH = 12, 7
_BEFORE_BUT, _AFTER_BUT = 0.5, 1.3
_CONCEDED = 0.4
_ASKED = 0.5
_SHOUTED = 1.25
#: What drawn-out letters make of a word.
DRAWN_OUT = 1.3
_REVERSED_GOOD, _REVERSED_BAD = -0.8, -0.3
# What is no more, or only wished for, says the opposite of now, if less than a "not" does. So does
# what "works" or "answers", which is worth something behind a "not" alone.
_BYGONE, _NOT_BYGONE, _LEAST_BYGONE = 0.8, 0.6, -2.0
# What ended a trouble is good at least so much, and what ended something good is bad itself.
_RELIEF, _HAPPENED = 1.9, -0.5
_ENDS = (Kind.STOP, Kind.COMMA, Kind.BREAK, Kind.CONTRAST)
_NOWHERE = -99


@dataclass
class Weighing:
    """What was read of a text so far."""

    entries: dict[str, Entry]
    tokens: Sequence[str]
    shouted: frozenset[str]
    total: float = 0.0
    recognised: int = 0
    exclamations: int = 0

    def __post_init__(self) -> None:
        self._begin(0)

    def _begin(self, place: int) -> None:
        """Begin a sentence."""
        self._start = place
        self._sum = self._denied = self._mended_sum = 0.0
        self._words = 0
        self._weight = 1.0
        self._forget()
        self._unreal, self._unreal_words = _NOWHERE, 0
        self._is_wish = self._was = False
        self._trouble, self._trouble_worth = _NOWHERE, 0.0

    def _forget(self) -> None:
        """Let no "not", no "very" and no "solved" reach any further."""
        self._not = self._boosted = self._mended = _NOWHERE
        self._boost = 1.0
        self._reverses = False
        self._conceded = 1.0
        self._relief = self._mend_worth = 0.0

    def take(self, place: int, length: int, entry: Entry, strength: float) -> None:
        """Take what comes next."""
        kind = entry.kind
        if kind == Kind.WORD:
            self._word(place, length, entry, strength)
        elif kind == Kind.NEGATOR:
            self._not = place
            if entry.value:
                self._add(entry.value)
                self.recognised += 1
        elif kind == Kind.BOOSTER:
            if entry.negated and not self._has_value(place + length):
                self._word(place, length, valued(entry.negated), strength)
                return
            self._boost = self._boost * entry.value if place - self._boosted <= 1 else entry.value
            self._boosted = place + length - 1
        elif kind == Kind.REVERSER:
            self._reverses, self._boosted = True, place + length - 1
        elif kind in (Kind.BREAK, Kind.COMMA):
            self._turn_off(kind)
        elif kind in (Kind.BYGONE, Kind.WISH):
            self._unreal = self._looked_at = place
            self._is_wish = kind == Kind.WISH
            self._unreal_words, self._was = 0, False
            if entry.value:
                self._add(entry.value)
        else:
            self._turn(place, kind)

    def _word(self, place: int, length: int, entry: Entry, strength: float) -> None:
        is_denied = place - self._not <= _NEGATION_REACH
        mends = Mend.NOTHING
        if is_denied:
            value = entry.value * DRAWN_OUT if self._is_heightened(place) else entry.negated
        elif entry.mends:
            value = 0.0
            if not self._is_asked(place, entry.mends):
                mends = entry.mends
                value = self._mend(place, length, mends, entry.value)
        elif self._mended >= 0:
            value = self._beside_what_mends(place, length, entry)
        else:
            value = entry.value
        if self._unreal >= 0:
            value = self._unreal_value(place + length, entry, value, is_denied=is_denied)
        if place - self._boosted <= _BOOST_REACH:
            value *= self._degree(value)
        self._boost, self._reverses, self._boosted = 1.0, False, _NOWHERE
        if self.shouted and self.tokens[place] in self.shouted:
            strength *= _SHOUTED
        self.recognised += 1
        added = self._add(value * strength)
        if entry.negated and not is_denied:
            self._remember(place, entry, mends, added)

    def _remember(self, place: int, entry: Entry, mends: int, added: float) -> None:
        """Remember what a word was worth, as far as those that follow may change it."""
        if added > 0 or entry.negated <= _LEAST_BYGONE:
            self._denied += entry.negated * self._weight
        if mends:
            self._mend_worth = added
            if mends != Mend.GONE:
                self._mended_sum += added
            elif added <= 0:
                self._relief = _RELIEF - added
        elif entry.is_trouble and added < 0:
            self._trouble, self._trouble_worth = place, added

    def _beside_what_mends(self, place: int, length: int, entry: Entry) -> float:
        """Return what a word is worth that may have been mended, and does not mend itself."""
        if entry.is_trouble:
            if place - self._mended <= _MEND_REACH:
                relief, self._relief = self._relief, 0.0
                return relief
        elif entry.is_verb:
            self._mended = _NOWHERE
        elif entry.value < 0 and place - self._mended <= _SPOIL_REACH:
            self._spoil(place + length)
        return entry.value

    def _degree(self, value: float) -> float:
        """Return what "very", "a bit" or "hardly" makes of a value."""
        if self._reverses:
            return _REVERSED_GOOD if value > 0 else _REVERSED_BAD
        return self._boost

    def _add(self, value: float) -> float:
        added = value * self._weight * self._conceded
        self._words += 1
        self._sum += added
        return added

    def _has_value(self, place: int) -> bool:
        entry = self.entries.get(self.tokens[place]) if place < len(self.tokens) else None
        return entry is not None and entry.kind == Kind.WORD and bool(entry.value)

    def _mend(self, place: int, length: int, mends: int, value: float) -> float:
        """Return what "solved" is worth; a trouble before it is one no more."""
        self._mended = place + length - 1
        if mends == Mend.AVERTS or place - self._trouble > _MEND_REACH:
            return value
        if mends == Mend.GONE and self._ends_between(self._trouble, place):
            return value  # "there was an error, and he is gone"
        self._sum -= self._trouble_worth
        self._trouble = _NOWHERE
        return max(value, _RELIEF)

    def _ends_between(self, begin: int, end: int) -> bool:
        known = (self.entries.get(token) for token in self.tokens[begin:end])
        return any(entry is not None and entry.kind in _ENDS for entry in known)

    def _is_asked(self, place: int, mends: int) -> bool:
        """Say whether it is only asked for: "would be solved", "cómo lo arreglo"."""
        if mends not in (Mend.DONE, Mend.UNSURE):
            return False
        for before in range(place - 1, max(place - 1 - _ASK_REACH, self._start - 1), -1):
            entry = self.entries.get(self.tokens[before])
            if entry is None:
                continue
            is_close = place - before <= _ASK_HOW_REACH and mends == Mend.UNSURE
            if entry.asks or (entry.asks_how and is_close):
                return True
            if entry.kind in _ENDS:
                return False
        return False

    def _spoil(self, end: int) -> None:
        """Take back what "fixed" was worth: it was fixed badly, and not a bad thing was fixed."""
        following = self.entries.get(self.tokens[end]) if end < len(self.tokens) else None
        if end < len(self.tokens) and (following is None or following.kind not in _ENDS):
            return
        self._sum -= self._mend_worth
        self._mended_sum -= self._mend_worth
        self._mended, self._mend_worth = _NOWHERE, 0.0

    def _unreal_value(self, end: int, entry: Entry, value: float, *, is_denied: bool) -> float:
        """Return what a word is worth that tells how things were, or should be."""
        self._unreal_words += 1
        if not self._was:
            # Only what was not looked at yet: the sentence may have ten thousand words.
            self._was = self._is_past(self._looked_at, end)
            self._looked_at = end
        if not self._was:
            return 0.0 if self._is_wish and value > 0 else value
        if is_denied:
            return entry.value * _NOT_BYGONE
        if value > 0 or entry.negated <= _LEAST_BYGONE:
            return entry.negated * _BYGONE
        return 0.0 if self._is_wish else entry.negated

    def _is_past(self, begin: int, end: int) -> bool:
        known = (self.entries.get(token) for token in self.tokens[begin:end])
        return any(entry is not None and entry.is_past for entry in known)

    def _is_heightened(self, place: int) -> bool:
        """Say whether the "not" makes more of the word: "could not be happier", "never so good"."""
        between = self.tokens[max(self._not - 1, 0) : place]
        known = [self.entries[word] for word in between if word in self.entries]
        own = self.entries.get(self.tokens[place])
        compares = any(one.is_comparative for one in known)
        compares = compares or (own is not None and own.is_comparative)
        return compares and any(one.is_modal for one in known)

    def _turn_off(self, kind: int) -> None:
        # "It used to be good and fast" goes on, "I came before, and it is good" does not; of commas
        # it is the other way round.
        if (kind == Kind.COMMA) == bool(self._unreal_words):
            self._unreal = _NOWHERE
        if kind == Kind.COMMA:
            self._forget()
        else:
            self._not = self._mended = _NOWHERE

    def _turn(self, place: int, kind: int) -> None:
        if kind == Kind.STOP:
            sign = self.tokens[place]
            self.exclamations += sign == "!"
            self._close(place + 1, asked=sign == "?")
        elif kind == Kind.CONTRAST:
            if not self._words:
                self.total *= _BEFORE_BUT
            self._sum *= _BEFORE_BUT
            self._mended_sum *= _BEFORE_BUT
            self._weight = _AFTER_BUT
            self._forget()
            self._unreal = self._trouble = _NOWHERE
        elif kind == Kind.PRESENT:
            self._unreal = _NOWHERE
        elif kind == Kind.UNTIL:
            self._end_what_was(place)
        else:
            self._forget()
            # "Although it is late, …" gives way; "…, although it is late" does not.
            self._conceded = _CONCEDED if not self._words else 1.0

    def _end_what_was(self, place: int) -> None:
        """Turn what was good until something happened."""
        begin = max(self._start, place - _PAST_REACH)
        is_good = self._sum > 0 or self._denied <= _LEAST_BYGONE
        following = (self.entries.get(one) for one in self.tokens[place : place + _END_REACH])
        if any(one is not None and one.mends == Mend.DONE for one in following):
            pass  # "she was patient until it was solved"
        elif is_good and self._denied < 0 and self._is_past(begin, place):
            self._sum = self._denied * _BYGONE + _HAPPENED
            self._mended_sum = self._denied = 0.0
        self._turn_off(Kind.BREAK)

    def _close(self, place: int, *, asked: bool) -> None:
        if asked:
            # Nobody knows yet whether it was solved.
            self._sum = (self._sum - self._mended_sum) * _ASKED
        self.total += self._sum
        self._begin(place)

    def end(self) -> tuple[float, int]:
        """Return the sum, and how many words were recognised."""
        self._close(len(self.tokens), asked=False)
        return self.total * (1 + 0.1 * min(self.exclamations, 3)), self.recognised
