"""One record of a CSV file, parted into its fields: delimiters, quotes, and quotes within quotes."""

from clientela.config.sources import CsvFormat


class Record:
    """One record under way: its fields so far, and whether a quoted one is still open at the end of the text.

    A quote opens a field only at its start, spaces aside; elsewhere it is a character like any other, as in `5" pipe`.
    """

    def __init__(self, settings: CsvFormat, text: str) -> None:
        self.delimiter, self.quote = settings.delimiter, settings.quote
        self.fields: list[str] = []
        #: a character other than a delimiter stands behind a closing quote
        self.is_broken = False
        self.is_open = False
        self._parts: list[str] = []
        if self.quote and self.quote in text:
            self._read(text, 0)
        else:
            self.fields = text.split(self.delimiter)

    @property
    def is_whole(self) -> bool:
        return not self.is_open and not self.is_broken

    def go_on(self, text: str) -> None:
        """The next line of a record that is open."""
        self._parts.append("\n")
        self._read_quoted(text, 0)

    def could_go_on(self, text: str) -> "Record":
        """What the record would be with that line."""
        longer = object.__new__(Record)
        longer.__dict__ = {**self.__dict__, "fields": [*self.fields], "_parts": [*self._parts]}
        longer.go_on(text)
        return longer

    def _read(self, text: str, at: int) -> None:
        while True:
            start = at
            if self.delimiter != " ":
                while text[start : start + 1] == " ":
                    start += 1
            if text.startswith(self.quote, start):
                return self._read_quoted(text, start + 1)
            end = text.find(self.delimiter, at)
            if end < 0:
                return self.fields.append(text[at:])
            self.fields.append(text[at:end])
            at = end + 1

    def _read_quoted(self, text: str, start: int) -> None:
        closing = self._closing(text, start)
        self.is_open = closing < 0
        if self.is_open:
            return self._parts.append(text[start:])
        self._parts.append(text[start:closing])
        self.fields.append("".join(self._parts).replace(self.quote * 2, self.quote))
        self._parts = []
        after = closing + 1
        if self.delimiter != " ":
            while text[after : after + 1] == " ":
                after += 1
        if after == len(text):
            return None
        if text[after] != self.delimiter:
            self.is_broken = True
            return None
        return self._read(text, after + 1)

    def _closing(self, text: str, at: int) -> int:
        while True:
            found = text.find(self.quote, at)
            if found < 0 or text[found + 1 : found + 2] != self.quote:
                return found
            at = found + 2
