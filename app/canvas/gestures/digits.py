"""A number that is typed while a gesture lasts: how many devices, how many cables."""

BACKSPACE = "\b"


class Digits:
    """Starts from a number that the first digit replaces."""

    def __init__(self, most: int, value: int = 1) -> None:
        self._most = most
        self._start = value
        self._text = ""

    @property
    def value(self) -> int:
        """The number; the first one while nothing is typed."""
        return max(1, int(self._text)) if self._text else self._start

    @property
    def is_typed(self) -> bool:
        """Something was typed."""
        return bool(self._text)

    def type_key(self, text: str) -> bool:
        """Takes a digit or a Backspace; False for other keys. More than the most is the most."""
        if text == BACKSPACE and self._text:
            self._text = self._text[:-1]
            return True
        if len(text) != 1 or text not in "0123456789" or (text == "0" and not self._text):
            return False
        self._text = str(min(int(self._text + text), self._most))
        return True
