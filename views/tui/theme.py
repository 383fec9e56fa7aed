"""The colours: calm, few, and each with one meaning. A terminal of 16 colours uses its own instead."""

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

_GROUND, _TEXT = (20, 22, 27), (208, 212, 220)
_COLOURS = [
    (58, 64, 77),
    (226, 122, 130),
    (143, 191, 127),
    (219, 181, 110),
    (127, 160, 216),
    (181, 158, 220),
    (122, 188, 208),
    (208, 212, 220),
]
"""Black, red (failed), green (right, whole), yellow (look here), blue, magenta (not measured), cyan (chosen), white."""
PALETTE = TerminalTheme(_GROUND, _TEXT, _COLOURS, [tuple(min(255, part + 25) for part in one) for one in _COLOURS])  # type: ignore[misc]
"""What the sixteen names of colours mean where the terminal can show any colour."""
THEME = Theme(
    name="asd",
    primary="#7aa0d8",
    secondary="#b59edc",
    accent="#7abcd0",
    warning="#dbb56e",
    error="#e27a82",
    success="#8fbf7f",
    foreground="#d0d4dc",
    background="#14161b",
    surface="#1b1e25",
    panel="#2c313c",
    dark=True,
    variables={"block-cursor-text-style": "none", "scrollbar": "#2c313c", "scrollbar-background": "#14161b"},
)
